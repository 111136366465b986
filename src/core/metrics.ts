import type { Rgba8 } from './picture.ts';

/** BT.601 luma weights, full range. */
const LUMA = [0.299, 0.587, 0.114] as const;
const WINDOW = 11;
const WINDOW_SIGMA = 1.5;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/** Peak signal-to-noise ratio of luma in dB, ∞ for equal pictures; `border` pixels are cut from every side first. */
export function psnrY(a: Rgba8, b: Rgba8, border = 4): number {
  const [x, y] = lumaPair(a, b, border);
  let squares = 0;
  for (let i = 0; i < x.data.length; i++) squares += ((x.data[i] ?? 0) - (y.data[i] ?? 0)) ** 2;
  return 10 * Math.log10(255 ** 2 / (squares / x.data.length));
}

/**
 * Structural similarity of luma (Wang et al. 2004): 11×11 Gaussian window of deviation 1.5, valid positions only, mean over them.
 * `border` pixels are cut first. Throws RangeError when less than a window is left.
 */
export function ssimY(a: Rgba8, b: Rgba8, border = 4): number {
  const [x, y] = lumaPair(a, b, border);
  if (Math.min(x.height, x.width) < WINDOW) throw new RangeError(`expected sides of at least ${WINDOW + 2 * border}`);
  const mx = blur(x);
  const my = blur(y);
  const xx = blur(product(x, x));
  const yy = blur(product(y, y));
  const xy = blur(product(x, y));
  let sum = 0;
  for (let i = 0; i < mx.length; i++) {
    const [ux, uy] = [mx[i] ?? 0, my[i] ?? 0];
    const covariance = (xy[i] ?? 0) - ux * uy;
    const variances = (xx[i] ?? 0) - ux * ux + (yy[i] ?? 0) - uy * uy;
    sum += ((2 * ux * uy + C1) * (2 * covariance + C2)) / ((ux * ux + uy * uy + C1) * (variances + C2));
  }
  return sum / mx.length;
}

interface Plane {
  readonly height: number;
  readonly width: number;
  readonly data: Float64Array;
}

function lumaPair(a: Rgba8, b: Rgba8, border: number): [Plane, Plane] {
  if (a.height !== b.height || a.width !== b.width) {
    throw new RangeError(`expected equal sizes, got ${a.height}×${a.width} and ${b.height}×${b.width}`);
  }
  if (Math.min(a.height, a.width) <= 2 * border) throw new RangeError(`expected sides above ${2 * border}`);
  return [luma(a, border), luma(b, border)];
}

function luma({ height, width, rgba8 }: Rgba8, border: number): Plane {
  const [h, w] = [height - 2 * border, width - 2 * border];
  const data = new Float64Array(h * w);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const i = 4 * ((y + border) * width + x + border);
      data[y * w + x] = lumaOf(rgba8, i);
    }
  }
  return { height: h, width: w, data };
}

/** Luma of the pixel whose red is at `i`, in levels of 255. */
export function lumaOf(rgba8: Rgba8['rgba8'], i: number): number {
  return LUMA[0] * (rgba8[i] ?? 0) + LUMA[1] * (rgba8[i + 1] ?? 0) + LUMA[2] * (rgba8[i + 2] ?? 0);
}

function product(a: Plane, b: Plane): Plane {
  return { ...a, data: a.data.map((value, i) => value * (b.data[i] ?? 0)) };
}

/** Separable Gaussian window over valid positions: (H − 10)·(W − 10) values. */
function blur({ height, width, data }: Plane): Float64Array {
  const weights = Array.from({ length: WINDOW }, (_, i) => Math.exp(-((i - 5) ** 2) / (2 * WINDOW_SIGMA ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const outWidth = width - WINDOW + 1;
  const outHeight = height - WINDOW + 1;
  const rows = new Float64Array(height * outWidth);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < outWidth; x++) {
      let sum = 0;
      for (let k = 0; k < WINDOW; k++) sum += (weights[k] ?? 0) * (data[y * width + x + k] ?? 0);
      rows[y * outWidth + x] = sum / total;
    }
  }
  const out = new Float64Array(outHeight * outWidth);
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      let sum = 0;
      for (let k = 0; k < WINDOW; k++) sum += (weights[k] ?? 0) * (rows[(y + k) * outWidth + x] ?? 0);
      out[y * outWidth + x] = sum / total;
    }
  }
  return out;
}
