import type { Tensor } from './tensor.ts';

/** Levels of the à-trous transform, dilations 1, 2, 4, 8, 16. */
const LEVELS = 5;
const VARIANCE_FLOOR = 1e-5;

/**
 * Gives rgb01 planes [1, 3, H, W] the colours of `reference`, which has the same dims: per channel the reference's mean and deviation
 * (sd-webui-stablesr's AdaIN; unbiased variance plus 1e-5). Not clamped.
 */
export function adainColorFix(planes: Tensor, reference: Tensor): Tensor {
  const plane = checkedPlane(planes, reference);
  const data = new Float32Array(planes.data.length);
  for (let start = 0; start < data.length; start += plane) {
    const own = meanAndStd(planes.data.subarray(start, start + plane));
    const wanted = meanAndStd(reference.data.subarray(start, start + plane));
    for (let i = start; i < start + plane; i++) {
      data[i] = (((planes.data[i] ?? 0) - own.mean) / own.std) * wanted.std + wanted.mean;
    }
  }
  return { dims: planes.dims, data };
}

/**
 * Details of rgb01 planes [1, 3, H, W] over the lowest tones of `reference`, which has the same dims: all five high-pass bands of the
 * picture plus the level-5 low-pass of the reference (sd-webui-stablesr's wavelet fix). Not clamped.
 */
export function waveletColorFix(planes: Tensor, reference: Tensor): Tensor {
  const plane = checkedPlane(planes, reference);
  const [, , height = 0, width = 0] = planes.dims;
  const data = new Float32Array(planes.data.length);
  for (let start = 0; start < data.length; start += plane) {
    // the sum of the high-pass bands telescopes: picture minus its own level-5 low-pass
    const own = lowPass(planes.data.slice(start, start + plane), height, width);
    const wanted = lowPass(reference.data.slice(start, start + plane), height, width);
    for (let i = 0; i < plane; i++) data[start + i] = (planes.data[start + i] ?? 0) - (own[i] ?? 0) + (wanted[i] ?? 0);
  }
  return { dims: planes.dims, data };
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
      const left = row + Math.max(0, x - dilation);
      const right = row + Math.min(width - 1, x + dilation);
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

function meanAndStd(values: Float32Array): { mean: number; std: number } {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return { mean, std: Math.sqrt(squares / Math.max(values.length - 1, 1) + VARIANCE_FLOOR) };
}

function checkedPlane(planes: Tensor, reference: Tensor): number {
  if (planes.dims.join() !== reference.dims.join() || planes.dims.length !== 4) {
    throw new RangeError(`expected equal dims [1, C, H, W], got [${planes.dims.join(', ')}] and [${reference.dims.join(', ')}]`);
  }
  return (planes.dims[2] ?? 0) * (planes.dims[3] ?? 0);
}
