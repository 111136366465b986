import type { Rgba8 } from './picture.ts';

export type ResizeFilter = 'bilinear' | 'bicubic' | 'lanczos';

/** Half width of each filter, in input pixels when enlarging, and its kernel, as Pillow defines them (bicubic a = −0.5). */
const FILTERS: Readonly<Record<ResizeFilter, { readonly support: number; readonly kernel: (x: number) => number }>> = {
  bilinear: { support: 1, kernel: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, kernel: cubic },
  lanczos: { support: 3, kernel: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

/** Pillow's fixed point: weights are whole numbers of 1/2²². */
const ONE = 2 ** 22;

/**
 * A picture at another size with Pillow's `Image.resize`: antialiased when reducing, weights in fixed point, the horizontal pass first
 * and rounded to 8 bits in between, so results equal Pillow's. The four channels are resized on their own (no premultiplying).
 */
export function resizePicture(picture: Rgba8, height: number, width: number, filter: ResizeFilter): Rgba8 {
  for (const side of [height, width]) {
    if (!Number.isInteger(side) || side < 1) throw new RangeError(`expected sides of whole pixels ≥ 1, got ${height}×${width}`);
  }
  let current = picture;
  if (width !== current.width) current = resizeRows(current, width, filter);
  if (height !== current.height) current = transpose(resizeRows(transpose(current), height, filter));
  return current === picture ? { ...picture, rgba8: picture.rgba8.slice() } : current;
}

interface Taps {
  /** First input pixel of each output pixel. */
  readonly first: Int32Array;
  /** Weights, `count` for each output pixel, the unused ones zero. */
  readonly weights: Int32Array;
  readonly count: number;
}

function taps(inputSide: number, outputSide: number, filter: ResizeFilter): Taps {
  const { support, kernel } = FILTERS[filter];
  const scale = inputSide / outputSide;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  const count = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(outputSide);
  const weights = new Int32Array(outputSide * count);
  for (let out = 0; out < outputSide; out++) {
    const center = (out + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - reach + 0.5));
    const high = Math.min(inputSide, Math.trunc(center + reach + 0.5));
    const row = Array.from({ length: high - low }, (_, i) => kernel((i + low - center + 0.5) / stretch));
    const sum = row.reduce((total, weight) => total + weight, 0);
    first[out] = low;
    row.forEach((weight, i) => {
      const fixed = (weight / sum) * ONE;
      weights[out * count + i] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
  }
  return { first, weights, count };
}

function resizeRows({ height, width, rgba8 }: Rgba8, outWidth: number, filter: ResizeFilter): Rgba8 {
  const { first, weights, count } = taps(width, outWidth, filter);
  const out = new Uint8ClampedArray(height * outWidth * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < outWidth; x++) {
      let [r, g, b, a] = [ONE / 2, ONE / 2, ONE / 2, ONE / 2];
      let source = 4 * (y * width + (first[x] ?? 0));
      for (let tap = x * count; tap < (x + 1) * count; tap++) {
        const weight = weights[tap] ?? 0;
        if (weight !== 0) {
          r += weight * (rgba8[source] ?? 0);
          g += weight * (rgba8[source + 1] ?? 0);
          b += weight * (rgba8[source + 2] ?? 0);
          a += weight * (rgba8[source + 3] ?? 0);
        }
        source += 4;
      }
      const target = 4 * (y * outWidth + x);
      out[target] = Math.floor(r / ONE);
      out[target + 1] = Math.floor(g / ONE);
      out[target + 2] = Math.floor(b / ONE);
      out[target + 3] = Math.floor(a / ONE);
    }
  }
  return { height, width: outWidth, rgba8: out };
}

function transpose({ height, width, rgba8 }: Rgba8): Rgba8 {
  const from = new Uint32Array(rgba8.buffer, rgba8.byteOffset, height * width);
  const to = new Uint32Array(height * width);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) to[x * height + y] = from[y * width + x] ?? 0;
  return { height: width, width: height, rgba8: new Uint8ClampedArray(to.buffer) };
}

function cubic(x: number): number {
  const a = -0.5;
  const t = Math.abs(x);
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
