import { describe, expect, it } from 'vitest';
import { arithmeticOf, type DeviceTensor, free, Held, isHere, PROCESSOR } from '../../../src/core/arithmetic.ts';
import { NoiseGenerator } from '../../../src/core/random.ts';
import { affine, type Tensor } from '../../../src/core/tensor.ts';

const noise = new NoiseGenerator(4);
const pair = noise.normal([2, 3, 5, 7]);
const single = noise.normal([1, 3, 5, 7]);

/** A tensor of a device that only counts how often it is freed. */
function elsewhere(): DeviceTensor & { freed: number } {
  return {
    dims: [1],
    arithmetic: PROCESSOR,
    freed: 0,
    dispose() {
      this.freed++;
    },
  };
}

describe('arithmetic on the processor', () => {
  it('sums samples of batches, and adds', () => {
    const { dims, data } = PROCESSOR.sum(
      [
        { weight: 2, tensor: pair, sample: 1 },
        { weight: -0.5, tensor: single, sample: 0 },
      ],
      3,
    ) as Tensor;
    expect(dims).toEqual([1, 3, 5, 7]);
    for (const [i, value] of data.entries()) {
      const expected = 2 * (pair.data[data.length + i] ?? Number.NaN) - 0.5 * (single.data[i] ?? Number.NaN) + 3;
      expect(value).toBe(Math.fround(expected));
    }
  });

  it('is a scale and an offset where there is one term, and the tensor itself where there is nothing to do', () => {
    expect(PROCESSOR.sum([{ weight: 0.7, tensor: single, sample: 0 }], -0.2)).toEqual(affine(single, 0.7, -0.2));
    expect(PROCESSOR.sum([{ weight: 1, tensor: single, sample: 0 }])).toBe(single);
    expect(() => PROCESSOR.sum([])).toThrow(RangeError);
  });

  it('tells numbers from what is none', async () => {
    const broken = { ...single, data: single.data.with(9, Number.POSITIVE_INFINITY) as Tensor['data'] };
    expect(await PROCESSOR.isFinite([single, pair])).toBe(true);
    expect(await PROCESSOR.isFinite([single, broken])).toBe(false);
  });

  it('takes no tensor that lies elsewhere', async () => {
    expect(() => PROCESSOR.stack([elsewhere()])).toThrow(TypeError);
    await expect(PROCESSOR.read([elsewhere()])).rejects.toThrow(TypeError);
  });
});

it('a tensor is computed with where it lies', () => {
  expect([isHere(single), isHere(elsewhere())]).toEqual([true, false]);
  expect(arithmeticOf(single)).toBe(PROCESSOR);
  expect(() => free(single)).not.toThrow();
});

it('tensors that are held are freed once, but for those that are kept', () => {
  const held = new Held();
  const [kept, dropped] = [held.hold(elsewhere()), held.hold(elsewhere())];
  held.hold(single);
  held.keepOnly([kept]);
  expect([kept.freed, dropped.freed]).toEqual([0, 1]);
  held.keepOnly([]);
  held.keepOnly([]);
  expect([kept.freed, dropped.freed]).toEqual([1, 1]);
});
