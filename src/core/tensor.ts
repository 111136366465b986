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

/** Sample `index` of a batch [B, …] as [1, …], sharing no memory. */
export function sliceBatch({ dims, data }: Tensor, index: number): Tensor {
  const batch = dims[0] ?? 0;
  if (index < 0 || index >= batch) throw new RangeError(`expected an index below ${batch}, got ${index}`);
  const size = data.length / batch;
  return { dims: [1, ...dims.slice(1)], data: data.slice(index * size, (index + 1) * size) };
}
