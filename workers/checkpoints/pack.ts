import type { Tensor } from '../../src/core/tensor.ts';

const HEADER_LENGTH_BYTES = 4;

/** Tensors as bytes: the length of a JSON list of their dims, the list, and their values as float32. */
export function packTensors(tensors: readonly Tensor[]): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(JSON.stringify(tensors.map(({ dims }) => dims)));
  const values = tensors.reduce((bytes, { data }) => bytes + data.byteLength, 0);
  const packed = new Uint8Array(HEADER_LENGTH_BYTES + header.length + values);
  new DataView(packed.buffer).setUint32(0, header.length);
  packed.set(header, HEADER_LENGTH_BYTES);
  let filled = HEADER_LENGTH_BYTES + header.length;
  for (const { data } of tensors) {
    packed.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), filled);
    filled += data.byteLength;
  }
  return packed;
}

/** The tensors of `packTensors`; null for bytes that are not whole. */
export function unpackTensors(packed: Uint8Array<ArrayBuffer>): readonly Tensor[] | null {
  if (packed.length < HEADER_LENGTH_BYTES) return null;
  const start = HEADER_LENGTH_BYTES + new DataView(packed.buffer, packed.byteOffset).getUint32(0);
  const dims = readDims(packed.subarray(HEADER_LENGTH_BYTES, start));
  if (dims === null) return null;
  const counts = dims.map((shape) => shape.reduce((product, dim) => product * dim, 1));
  if (start + 4 * counts.reduce((sum, count) => sum + count, 0) !== packed.length) return null;
  let read = start;
  return dims.map((shape, i): Tensor => {
    const end = read + 4 * (counts[i] ?? 0);
    // a copy: values need not lie where float32 must
    const data = new Float32Array(packed.slice(read, end).buffer);
    read = end;
    return { dims: shape, data };
  });
}

function readDims(header: Uint8Array<ArrayBuffer>): readonly (readonly number[])[] | null {
  try {
    const dims: unknown = JSON.parse(new TextDecoder().decode(header));
    const isShape = (shape: unknown): shape is number[] => Array.isArray(shape) && shape.every((dim) => Number.isInteger(dim) && dim > 0);
    return Array.isArray(dims) && dims.every(isShape) ? dims : null;
  } catch {
    return null;
  }
}
