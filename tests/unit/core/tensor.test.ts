import { describe, expect, it } from 'vitest';
import { affine, clamp01, cropPlanes, elementCount, stackBatch, tensor, weightedSum } from '../../../src/core/tensor.ts';

const a = tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [1, 2, 3]);
const b = tensor(Float32Array.of(6, 5, 4, 3, 2, 1), [1, 2, 3]);

describe('tensor', () => {
  it('rejects data that does not fill the dims', () => {
    expect(() => tensor(new Float32Array(5), [2, 3])).toThrow(RangeError);
  });

  it.each([[[0, 3]], [[1.5]], [[-1]]])('rejects the dims %j', (dims) => {
    expect(() => elementCount(dims)).toThrow(RangeError);
  });
});

describe('weightedSum', () => {
  it('is linear in its terms', () => {
    const sum = weightedSum([2, a], [-1, b]);
    expect([...sum.data]).toEqual([-4, -1, 2, 5, 8, 11]);
    expect(sum.dims).toEqual([1, 2, 3]);
  });

  it('leaves its terms alone', () => {
    weightedSum([3, a], [1, b]);
    expect(a.data[0]).toBe(1);
  });

  it('rejects tensors of other dims, and no tensors', () => {
    expect(() => weightedSum([1, a], [1, tensor(new Float32Array(6), [1, 3, 2])])).toThrow(RangeError);
    expect(() => weightedSum()).toThrow(RangeError);
  });
});

describe('affine', () => {
  it('is undone by its inverse', () => {
    const there = affine(a, 0.5, 3);
    const back = affine(there, 2, -6);
    expect([...back.data]).toEqual([...a.data]);
  });
});

describe('batches', () => {
  it('are their parts one after another, sharing no memory with them', () => {
    const both = stackBatch(a, b);
    expect(both.dims).toEqual([2, 2, 3]);
    expect([...both.data]).toEqual([...a.data, ...b.data]);
    both.data[0] = 99;
    expect(a.data[0]).toBe(1);
  });

  it('reject parts of unequal dims, and more than one sample', () => {
    expect(() => stackBatch(a, tensor(new Float32Array(2), [1, 2]))).toThrow(RangeError);
    expect(() => stackBatch(stackBatch(a, b), stackBatch(a, b))).toThrow(RangeError);
  });
});

describe('a crop', () => {
  const planes = tensor(
    Float32Array.from({ length: 12 }, (_, i) => i),
    [1, 2, 2, 3],
  );

  it('is an area of every plane', () => {
    const crop = cropPlanes(planes, { top: 1, left: 1, height: 1, width: 2 });
    expect([crop.dims, [...crop.data]]).toEqual([
      [1, 2, 1, 2],
      [4, 5, 10, 11],
    ]);
  });

  it('that is all of a tensor is the tensor', () => {
    expect(cropPlanes(planes, { top: 0, left: 0, height: 2, width: 3 })).toBe(planes);
  });

  it('is of what is inside', () => {
    expect(() => cropPlanes(planes, { top: 0, left: 0, height: 3, width: 3 })).toThrow(RangeError);
  });
});

describe('clamp01', () => {
  it('holds values within 0…1 and leaves its input alone', () => {
    const wild = tensor(Float32Array.of(-1, 0, 0.25, 1, 7), [5]);
    expect([...clamp01(wild).data]).toEqual([0, 0, 0.25, 1, 1]);
    expect(wild.data[0]).toBe(-1);
  });
});
