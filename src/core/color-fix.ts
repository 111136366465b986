import { type Area, wholeArea } from './area.ts';
import { type PlaneSource, stripsOf, withMargin } from './sources.ts';

/** Levels of the à-trous transform, dilations 1, 2, 4, 8, 16. */
const LEVELS = 5;
const VARIANCE_FLOOR = 1e-5;

/** How far a pixel's level-5 low-pass sees: the sum of the dilations. */
const REACH = 2 ** LEVELS - 1;

/**
 * Gives rgb01 planes the colours of `reference`, which has the same size: per channel the reference's mean and deviation (sd-webui-stablesr's
 * AdaIN; unbiased variance plus 1e-5). Not clamped. Both are read twice: the figures are those of all of `within`.
 */
export function adainColorFix(planes: PlaneSource, reference: PlaneSource, within: Area = wholeArea(planes)): PlaneSource {
  checkSizes(planes, reference);
  let figures: Promise<readonly [own: readonly Spread[], wanted: readonly Spread[]]> | null = null;
  return {
    height: planes.height,
    width: planes.width,
    async read(area) {
      figures ??= Promise.all([spreads(planes, within), spreads(reference, within)]);
      const [[own, wanted], { dims, data }] = [await figures, await planes.read(area)];
      const plane = area.height * area.width;
      const out = new Float32Array(data.length);
      for (let i = 0; i < data.length; i++) {
        const [from, to] = [own[Math.floor(i / plane)] ?? UNCHANGED, wanted[Math.floor(i / plane)] ?? UNCHANGED];
        out[i] = (((data[i] ?? 0) - from.mean) / from.std) * to.std + to.mean;
      }
      return { dims, data: out };
    },
  };
}

/**
 * Details of rgb01 planes over the lowest tones of `reference`, which has the same size: all five high-pass bands of the picture plus the
 * level-5 low-pass of the reference (sd-webui-stablesr's wavelet fix). Not clamped.
 */
export function waveletColorFix(planes: PlaneSource, reference: PlaneSource): PlaneSource {
  checkSizes(planes, reference);
  return withMargin(planes, REACH, async ({ dims, data }, area) => {
    const [, , height = 0, width = 0] = dims;
    const aim = await reference.read(area);
    const out = new Float32Array(data.length);
    for (let start = 0; start < out.length; start += height * width) {
      // the sum of the high-pass bands telescopes to the picture minus its low-pass; of two low-passes one is that of their difference
      const excess = new Float32Array(height * width);
      for (let i = 0; i < excess.length; i++) excess[i] = (data[start + i] ?? 0) - (aim.data[start + i] ?? 0);
      const cast = lowPass(excess, height, width);
      for (let i = 0; i < cast.length; i++) out[start + i] = (data[start + i] ?? 0) - (cast[i] ?? 0);
    }
    return { dims, data: out };
  });
}

/** LEVELS passes of the separable [1 2 1] / 4 with growing dilation, replicate padding. Overwrites `plane`. */
function lowPass(plane: Float32Array, height: number, width: number): Float32Array {
  const scratch = new Float32Array(plane.length);
  for (let level = 0; level < LEVELS; level++) {
    smoothRows(plane, scratch, height, width, 2 ** level);
    smoothColumns(scratch, plane, height, width, 2 ** level);
  }
  return plane;
}

function smoothRows(from: Float32Array, to: Float32Array, height: number, width: number, dilation: number): void {
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) {
      const left = row + (x < dilation ? 0 : x - dilation);
      const right = row + (x + dilation < width ? x + dilation : width - 1);
      to[row + x] = ((from[left] ?? 0) + 2 * (from[row + x] ?? 0) + (from[right] ?? 0)) / 4;
    }
  }
}

function smoothColumns(from: Float32Array, to: Float32Array, height: number, width: number, dilation: number): void {
  for (let y = 0; y < height; y++) {
    const row = y * width;
    const above = Math.max(0, y - dilation) * width;
    const below = Math.min(height - 1, y + dilation) * width;
    for (let x = 0; x < width; x++) {
      to[row + x] = ((from[above + x] ?? 0) + 2 * (from[row + x] ?? 0) + (from[below + x] ?? 0)) / 4;
    }
  }
}

interface Spread {
  readonly mean: number;
  readonly std: number;
}

const UNCHANGED: Spread = { mean: 0, std: 1 };

/** Mean and deviation of each channel over an area, strip by strip. */
async function spreads(source: PlaneSource, area: Area): Promise<readonly Spread[]> {
  const [sums, squares] = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  for (const strip of stripsOf(area)) {
    const { data } = await source.read(strip);
    for (let c = 0; c < 3; c++) {
      for (const value of data.subarray((c * data.length) / 3, ((c + 1) * data.length) / 3)) {
        sums[c] = (sums[c] ?? 0) + value;
        squares[c] = (squares[c] ?? 0) + value * value;
      }
    }
  }
  const count = area.height * area.width;
  return sums.map((sum, c) => {
    const mean = sum / count;
    const variance = Math.max(0, (squares[c] ?? 0) - count * mean * mean) / Math.max(count - 1, 1);
    return { mean, std: Math.sqrt(variance + VARIANCE_FLOOR) };
  });
}

function checkSizes(planes: PlaneSource, reference: PlaneSource): void {
  if (planes.height === reference.height && planes.width === reference.width) return;
  throw new RangeError(`expected equal sizes, got ${planes.height}×${planes.width} and ${reference.height}×${reference.width}`);
}
