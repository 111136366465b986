import { describe, expect, it } from 'vitest';
import { NoiseGenerator } from '../../../../src/core/random.ts';
import { packTensors, unpackTensors } from '../../../../workers/checkpoints/pack.ts';

const noise = new NoiseGenerator(5);
const tensors = [noise.normal([1, 3, 5, 7]), noise.normal([2]), noise.normal([1, 1, 1, 1])];

describe('packed tensors', () => {
  it('come back as they were', () => {
    expect(unpackTensors(packTensors(tensors))).toEqual(tensors);
    expect(unpackTensors(packTensors([]))).toEqual([]);
  });

  it('cut short anywhere, or continued, are nothing', () => {
    const packed = packTensors(tensors);
    for (let length = 0; length < packed.length; length++) expect(unpackTensors(packed.slice(0, length))).toBeNull();
    expect(unpackTensors(Uint8Array.of(...packed, 0))).toBeNull();
  });

  it('with another header are nothing', () => {
    const header = new TextEncoder().encode('[[1,-3]]');
    expect(unpackTensors(Uint8Array.of(0, 0, 0, header.length, ...header))).toBeNull();
    expect(unpackTensors(Uint8Array.of(255, 255, 255, 255, 1, 2, 3))).toBeNull();
  });
});
