import { type Area, type Extent, wholeArea } from './area.ts';
import { cropPicture, type Rgba8 } from './picture.ts';
import type { Tensor } from './tensor.ts';

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
  checkSides(height, width);
  const resizer = new Resizer(picture, { height, width }, filter);
  const all = wholeArea({ height, width });
  return resizer.apply(cropPicture(picture, resizer.needed(all)), all);
}

/** Throws RangeError unless both are whole pixels of at least one. */
export function checkSides(height: number, width: number): void {
  for (const side of [height, width]) {
    if (!Number.isInteger(side) || side < 1) throw new RangeError(`expected sides of whole pixels ≥ 1, got ${height}×${width}`);
  }
}

/** `resizePicture` area by area: which pixels of the input an area of the output needs, and the area from those. */
export class Resizer {
  /** Null where the side stays: that pass is left out. */
  readonly #columns: Taps | null;
  readonly #rows: Taps | null;

  constructor(input: Extent, output: Extent, filter: ResizeFilter) {
    this.#columns = input.width === output.width ? null : taps(input.width, output.width, filter);
    this.#rows = input.height === output.height ? null : taps(input.height, output.height, filter);
  }

  /** The area of the input that an area of the output depends on. */
  needed({ top, left, height, width }: Area): Area {
    const [firstRow, lastRow] = reach(this.#rows, top, height);
    const [firstColumn, lastColumn] = reach(this.#columns, left, width);
    return { top: firstRow, left: firstColumn, height: lastRow - firstRow, width: lastColumn - firstColumn };
  }

  /** An area of the output from the pixels of `needed(area)`. */
  apply(part: Rgba8, area: Area): Rgba8 {
    const from = this.needed(area);
    let current = part;
    if (this.#columns !== null) current = resizeRows(current, this.#columns, from.left, area.left, area.width);
    if (this.#rows !== null) current = transpose(resizeRows(transpose(current), this.#rows, from.top, area.top, area.height));
    return current;
  }

  /** The same of planes [1, C, H, W]: equal weights, nothing rounded or clamped. */
  applyToPlanes(part: Tensor, area: Area): Tensor {
    const from = this.needed(area);
    let current = part;
    if (this.#columns !== null) current = weighRows(current, this.#columns, from.left, area.left, area.width);
    if (this.#rows !== null) current = weighColumns(current, this.#rows, from.top, area.top, area.height);
    return current;
  }
}

function weighRows({ dims, data }: Tensor, { first, weights, count }: Taps, partLeft: number, left: number, outWidth: number): Tensor {
  const [batch = 1, channels = 1, height = 1, width = 1] = dims;
  const out = new Float32Array(batch * channels * height * outWidth);
  for (let row = 0; row < batch * channels * height; row++) {
    for (let x = 0; x < outWidth; x++) {
      const source = row * width + (first[left + x] ?? 0) - partLeft;
      let sum = 0;
      for (let tap = 0; tap < count; tap++) {
        const weight = weights[(left + x) * count + tap] ?? 0;
        if (weight !== 0) sum += weight * (data[source + tap] ?? 0);
      }
      out[row * outWidth + x] = sum / ONE;
    }
  }
  return { dims: [batch, channels, height, outWidth], data: out };
}

function weighColumns({ dims, data }: Tensor, { first, weights, count }: Taps, partTop: number, top: number, outHeight: number): Tensor {
  const [batch = 1, channels = 1, height = 1, width = 1] = dims;
  const out = new Float32Array(batch * channels * outHeight * width);
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < outHeight; y++) {
      const to = (plane * outHeight + y) * width;
      for (let tap = 0; tap < count; tap++) {
        const weight = (weights[(top + y) * count + tap] ?? 0) / ONE;
        if (weight === 0) continue;
        const from = (plane * height + (first[top + y] ?? 0) - partTop + tap) * width;
        for (let x = 0; x < width; x++) out[to + x] = (out[to + x] ?? 0) + weight * (data[from + x] ?? 0);
      }
    }
  }
  return { dims: [batch, channels, outHeight, width], data: out };
}

/** First and one past the last input pixel that some output pixels take. */
function reach(passed: Taps | null, start: number, count: number): readonly [number, number] {
  if (passed === null) return [start, start + count];
  const [first, last] = [passed.first[start] ?? 0, start + count - 1];
  return [first, (passed.first[last] ?? 0) + (passed.used[last] ?? 0)];
}

interface Taps {
  /** First input pixel of each output pixel. */
  readonly first: Int32Array;
  /** Weights, `count` for each output pixel, the unused ones zero. */
  readonly weights: Int32Array;
  readonly count: number;
  /** How many weights each output pixel uses. */
  readonly used: Int32Array;
}

function taps(inputSide: number, outputSide: number, filter: ResizeFilter): Taps {
  const { support, kernel } = FILTERS[filter];
  const scale = inputSide / outputSide;
  const stretch = Math.max(scale, 1);
  const reach = support * stretch;
  const count = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(outputSide);
  const weights = new Int32Array(outputSide * count);
  const used = new Int32Array(outputSide);
  for (let out = 0; out < outputSide; out++) {
    const center = (out + 0.5) * scale;
    const low = Math.max(0, Math.trunc(center - reach + 0.5));
    const high = Math.min(inputSide, Math.trunc(center + reach + 0.5));
    const row = Array.from({ length: high - low }, (_, i) => kernel((i + low - center + 0.5) / stretch));
    const sum = row.reduce((total, weight) => total + weight, 0);
    first[out] = low;
    used[out] = high - low;
    row.forEach((weight, i) => {
      const fixed = (weight / sum) * ONE;
      weights[out * count + i] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
  }
  return { first, weights, count, used };
}

/** Columns `left` … `left + outWidth` of the output from a part whose first column is `partLeft` of the input. */
function resizeRows(
  { height, width, rgba8 }: Rgba8,
  { first, weights, count }: Taps,
  partLeft: number,
  left: number,
  outWidth: number,
): Rgba8 {
  const out = new Uint8ClampedArray(height * outWidth * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < outWidth; x++) {
      let [r, g, b, a] = [ONE / 2, ONE / 2, ONE / 2, ONE / 2];
      let source = 4 * (y * width + (first[left + x] ?? 0) - partLeft);
      for (let tap = (left + x) * count; tap < (left + x + 1) * count; tap++) {
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
