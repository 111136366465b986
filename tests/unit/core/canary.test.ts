import { describe, expect, it } from 'vitest';
import { canaryFault, ramp } from '../../../src/core/canary.ts';
import { tensorOf } from '../../support/golden.ts';

const expected = { dims: [1, 4], mean: 2.5, std: Math.sqrt(1.25), first: [1, 2] };

describe('canaryFault', () => {
  it('finds nothing wrong with the expected output', () => {
    expect(canaryFault(tensorOf([1, 2, 3, 4], [1, 4]), expected, 0.01)).toBeNull();
  });

  it.each([
    ['a wrong value', [1, 2.1, 2.9, 4], [1, 4]],
    ['a wrong mean', [1, 2, 3, 9], [1, 4]],
    ['wrong dims', [1, 2, 3, 4], [4, 1]],
    ['a NaN', [1, 2, Number.NaN, 4], [1, 4]],
  ])('names %s', (_, values, dims) => {
    expect(canaryFault(tensorOf(values, dims), expected, 0.01)).toBeTypeOf('string');
  });
});

describe('ramp', () => {
  it('is the documented sequence', () => {
    const { dims, data } = ramp([2, 3], 1);
    expect(dims).toEqual([2, 3]);
    [0, 7919 % 1013, (2 * 7919) % 1013].forEach((value, i) => {
      expect(data[i]).toBe(Math.fround((value / 1013) * 2 - 1));
    });
  });

  it('stays within its scale', () => {
    expect(Math.max(...ramp([1, 500], 3).data.map(Math.abs))).toBeLessThanOrEqual(3);
  });
});
