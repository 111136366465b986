import { affine, type Tensor } from './tensor.ts';

/** One level of the orthonormal Haar transform of planes [1, C, H, W]: four bands [1, C, ⌈H/2⌉, ⌈W/2⌉]. */
export interface HaarBands {
  /** Approximation; a constant c gives 2c. */
  readonly ll: Tensor;
  /** Differences of rows (PyWavelets' cH), of columns (cV), and of both (cD). */
  readonly lh: Tensor;
  readonly hl: Tensor;
  readonly hh: Tensor;
}

/** What the magnitude of the detail bands is multiplied by to be seen: details are much fainter than tones. */
const HIGH_VIEW_GAIN = 5;

/** Forward transform. An odd side is extended by its last row or column (PyWavelets' mode "symmetric"). */
export function haar(planes: Tensor): HaarBands {
  const [, channels = 0, height = 0, width = 0] = planes.dims;
  const h = Math.ceil(height / 2);
  const w = Math.ceil(width / 2);
  const dims = [1, channels, h, w];
  const [ll, lh, hl, hh] = [0, 1, 2, 3].map(() => new Float32Array(channels * h * w)) as Quad<Float32Array<ArrayBuffer>>;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < h; y++) {
      const top = (c * height + 2 * y) * width;
      const bottom = (c * height + Math.min(2 * y + 1, height - 1)) * width;
      for (let x = 0; x < w; x++) {
        const left = 2 * x;
        const right = Math.min(left + 1, width - 1);
        const a = planes.data[top + left] ?? 0;
        const b = planes.data[top + right] ?? 0;
        const d = planes.data[bottom + left] ?? 0;
        const e = planes.data[bottom + right] ?? 0;
        const i = (c * h + y) * w + x;
        ll[i] = (a + b + d + e) / 2;
        lh[i] = (a + b - d - e) / 2;
        hl[i] = (a - b + d - e) / 2;
        hh[i] = (a - b - d + e) / 2;
      }
    }
  }
  return { ll: { dims, data: ll }, lh: { dims, data: lh }, hl: { dims, data: hl }, hh: { dims, data: hh } };
}

/** Inverse transform to planes [1, C, height, width], which must be the sides `haar` was given. */
export function inverseHaar({ ll, lh, hl, hh }: HaarBands, height: number, width: number): Tensor {
  const [, channels = 0, h = 0, w = 0] = ll.dims;
  if (Math.ceil(height / 2) !== h || Math.ceil(width / 2) !== w) {
    throw new RangeError(`expected sides that give ${h}×${w} bands, got ${height}×${width}`);
  }
  const data = new Float32Array(channels * height * width);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const i = (c * h + (y >> 1)) * w + (x >> 1);
        const vertical = y & 1 ? -1 : 1;
        const horizontal = x & 1 ? -1 : 1;
        const details = vertical * (lh.data[i] ?? 0) + horizontal * (hl.data[i] ?? 0) + vertical * horizontal * (hh.data[i] ?? 0);
        data[(c * height + y) * width + x] = ((ll.data[i] ?? 0) + details) / 2;
      }
    }
  }
  return { dims: [1, channels, height, width], data };
}

/** The low band as a picture: LL / 2, so that rgb01 planes stay in 0…1. */
export function lowView({ ll }: HaarBands): Tensor {
  return affine(ll, 0.5, 0);
}

/** The high band as a picture: √(LH² + HL² + HH²) times a gain, per channel, in 0…; clamp to show. */
export function highView({ lh, hl, hh }: HaarBands): Tensor {
  const data = new Float32Array(lh.data.length);
  for (let i = 0; i < data.length; i++) {
    const [a, b, c] = [lh.data[i] ?? 0, hl.data[i] ?? 0, hh.data[i] ?? 0];
    // Math.hypot guards against overflow that cannot be here, at ten times the price
    data[i] = HIGH_VIEW_GAIN * Math.sqrt(a * a + b * b + c * c);
  }
  return { dims: lh.dims, data };
}

/** Mean square per value of LL and of the three detail bands together. */
export function bandEnergies({ ll, lh, hl, hh }: HaarBands): { readonly lowEnergy: number; readonly highEnergy: number } {
  return {
    lowEnergy: meanSquare(ll.data),
    highEnergy: (meanSquare(lh.data) + meanSquare(hl.data) + meanSquare(hh.data)) / 3,
  };
}

/** Mean square per value of what changed between two transforms of equal size, as `bandEnergies`. */
export function bandChanges(before: HaarBands, after: HaarBands): { readonly lowChange: number; readonly highChange: number } {
  const [lh, hl, hh] = [
    meanSquareChange(before.lh, after.lh),
    meanSquareChange(before.hl, after.hl),
    meanSquareChange(before.hh, after.hh),
  ];
  return { lowChange: meanSquareChange(before.ll, after.ll), highChange: (lh + hl + hh) / 3 };
}

function meanSquareChange({ data: before }: Tensor, { data: after }: Tensor): number {
  let sum = 0;
  for (let i = 0; i < after.length; i++) {
    const change = (after[i] ?? 0) - (before[i] ?? 0);
    sum += change * change;
  }
  return sum / after.length;
}

type Quad<T> = [T, T, T, T];

function meanSquare(data: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i] ?? 0) ** 2;
  return sum / data.length;
}
