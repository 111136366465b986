import { type Area, checkInside } from './area.ts';

/** A dense float32 array with its dims, row-major. */
export interface Tensor {
  readonly dims: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

/** A tensor over `data` (not copied). Throws RangeError when the dims do not hold exactly the data. */
export function tensor(data: Float32Array<ArrayBuffer>, dims: readonly number[]): Tensor {
  const count = elementCount(dims);
  if (count !== data.length) throw new RangeError(`expected ${count} elements for [${dims.join(', ')}], got ${data.length}`);
  return { dims, data };
}

/** Product of the dims. Throws RangeError unless every dim is a whole number of at least 1. */
export function elementCount(dims: readonly number[]): number {
  for (const dim of dims) {
    if (!Number.isInteger(dim) || dim < 1) throw new RangeError(`expected dims of whole numbers ≥ 1, got [${dims.join(', ')}]`);
  }
  return dims.reduce((product, dim) => product * dim, 1);
}

/** Σ weight · tensor, element by element, as a new tensor. Throws RangeError when dims differ. */
export function weightedSum(...terms: readonly (readonly [weight: number, tensor: Tensor])[]): Tensor {
  const [first] = terms;
  if (first === undefined) throw new RangeError('expected at least one term');
  const { dims } = first[1];
  const out = new Float32Array(first[1].data.length);
  for (const [weight, { data, dims: other }] of terms) {
    if (other.join() !== dims.join()) throw new RangeError(`expected dims [${dims.join(', ')}], got [${other.join(', ')}]`);
    for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + weight * (data[i] ?? 0);
  }
  return { dims, data: out };
}

/** x · gain + offset as a new tensor. */
export function affine({ dims, data }: Tensor, gain: number, offset: number): Tensor {
  // a plain loop: typed arrays' own map costs ten times as much, and these are whole pictures
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = (data[i] ?? 0) * gain + offset;
  return { dims, data: out };
}

/** Every value held within 0…1, as a new tensor. */
export function clamp01({ dims, data }: Tensor): Tensor {
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = Math.min(1, Math.max(0, data[i] ?? 0));
  return { dims, data: out };
}

/** Tensors [1, …] of equal dims stacked to [B, …]. */
export function stackBatch(...parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first === undefined || parts.some((part) => part.dims.join() !== first.dims.join() || part.dims[0] !== 1)) {
    throw new RangeError('expected tensors [1, …] of equal dims');
  }
  const size = first.data.length;
  const data = new Float32Array(size * parts.length);
  parts.forEach((part, index) => {
    data.set(part.data, index * size);
  });
  return { dims: [parts.length, ...first.dims.slice(1)], data };
}

/** An area of planes [B, C, H, W]; all of them are the tensor itself. Throws RangeError for an area that is not inside. */
export function cropPlanes(planes: Tensor, area: Area): Tensor {
  const { dims, data } = planes;
  const [batch = 0, channels = 0, rows = 0, columns = 0] = dims;
  checkInside(area, { height: rows, width: columns });
  const { top, left, height, width } = area;
  if (height === rows && width === columns) return planes;
  const out = new Float32Array(batch * channels * height * width);
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < height; y++) {
      const from = (plane * rows + top + y) * columns + left;
      out.set(data.subarray(from, from + width), (plane * height + y) * width);
    }
  }
  return { dims: [batch, channels, height, width], data: out };
}

/** Writes `part`, or the area `from` of it, into `whole` at `to`, which has the size of `from`. */
export function pastePlanes(whole: Tensor, to: Area, part: Tensor, from: Area): void {
  const [batch = 0, channels = 0, rows = 0, columns = 0] = whole.dims;
  const [, , partRows = 0, partColumns = 0] = part.dims;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < to.height; y++) {
      const start = (plane * partRows + from.top + y) * partColumns + from.left;
      whole.data.set(part.data.subarray(start, start + to.width), (plane * rows + to.top + y) * columns + to.left);
    }
  }
}

/** Planes [B, C, H, W] reduced by a whole number: means of `factor` × `factor` values, fewer at the right and bottom. */
export function reduce(planes: Tensor, factor: number): Tensor {
  if (factor === 1) return planes;
  const [batch = 0, channels = 0, height = 0, width = 0] = planes.dims;
  const [h, w] = [Math.ceil(height / factor), Math.ceil(width / factor)];
  const sums = new Float32Array(batch * channels * h * w);
  for (let row = 0; row < batch * channels * height; row++) {
    const to = (Math.floor(row / height) * h + Math.floor((row % height) / factor)) * w;
    for (let x = 0; x < width; x++) {
      const at = to + Math.floor(x / factor);
      sums[at] = (sums[at] ?? 0) + (planes.data[row * width + x] ?? 0);
    }
  }
  for (let i = 0; i < sums.length; i++) {
    const rows = Math.min(factor, height - factor * (Math.floor(i / w) % h));
    const columns = Math.min(factor, width - factor * (i % w));
    sums[i] = (sums[i] ?? 0) / (rows * columns);
  }
  return { dims: [batch, channels, h, w], data: sums };
}
