import { describe, expect, it } from 'vitest';
import { adainColorFix, waveletColorFix } from '../../../src/core/color-fix.ts';
import { NoiseGenerator } from '../../../src/core/random.ts';
import { affine } from '../../../src/core/tensor.ts';
import { golden, maxDifference, tensorOf } from '../../support/golden.ts';

interface ColorGolden {
  readonly height: number;
  readonly width: number;
  readonly picture: number[];
  readonly reference: number[];
  readonly adain: number[];
  readonly wavelet: number[];
}

const { height, width, ...planes } = golden<ColorGolden>('color-fix');
const dims = [1, 3, height, width];
const picture = tensorOf(planes.picture, dims);
const reference = tensorOf(planes.reference, dims);
/** float32 sums over the plane against float64. */
const ROUNDING = 5e-6;

describe('adainColorFix', () => {
  it('equals the formula in NumPy', () => {
    expect(maxDifference(adainColorFix(picture, reference).data, planes.adain)).toBeLessThan(ROUNDING);
  });

  it('changes nothing when the picture is its own reference', () => {
    expect(maxDifference(adainColorFix(picture, picture).data, picture.data)).toBeLessThan(ROUNDING);
  });

  it('undoes a change of brightness and contrast', () => {
    const changed = affine(picture, 0.5, 0.3);
    // the variance's floor of 1e-5 is part of the formula
    expect(maxDifference(adainColorFix(changed, picture).data, picture.data)).toBeLessThan(1e-2);
  });

  it('rejects a reference of another size', () => {
    expect(() => adainColorFix(picture, new NoiseGenerator(0).normal([1, 3, 4, 4]))).toThrow(RangeError);
  });
});

describe('waveletColorFix', () => {
  it('equals the sum of five explicit bands in SciPy', () => {
    expect(maxDifference(waveletColorFix(picture, reference).data, planes.wavelet)).toBeLessThan(ROUNDING);
  });

  it('takes away a colour cast', () => {
    const cast = affine(picture, 1, 0.2);
    expect(maxDifference(waveletColorFix(cast, picture).data, picture.data)).toBeLessThan(ROUNDING);
  });

  it('works on a single pixel', () => {
    const one = tensorOf([0.1, 0.2, 0.3], [1, 3, 1, 1]);
    const other = tensorOf([0.5, 0.6, 0.7], [1, 3, 1, 1]);
    expect(maxDifference(waveletColorFix(one, other).data, other.data)).toBeLessThan(ROUNDING);
  });

  it('rejects a reference of another size', () => {
    expect(() => waveletColorFix(picture, new NoiseGenerator(0).normal([1, 3, 4, 4]))).toThrow(RangeError);
  });
});
