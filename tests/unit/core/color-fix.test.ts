import { describe, expect, it } from 'vitest';
import { adainColorFix, waveletColorFix } from '../../../src/core/color-fix.ts';
import { NoiseGenerator } from '../../../src/core/random.ts';
import { affine, type Tensor } from '../../../src/core/tensor.ts';
import { golden, maxDifference, readAll, sourceOf, tensorOf } from '../../support/golden.ts';

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

const adain = (a: Tensor, b: Tensor, pixels?: number): Promise<Tensor> => readAll(adainColorFix(sourceOf(a), sourceOf(b)), pixels);
const wavelet = (a: Tensor, b: Tensor, pixels?: number): Promise<Tensor> => readAll(waveletColorFix(sourceOf(a), sourceOf(b)), pixels);

/** float32 sums over the plane against float64. */
const ROUNDING = 5e-6;

describe('adainColorFix', () => {
  it('equals the formula in NumPy', async () => {
    expect(maxDifference((await adain(picture, reference)).data, planes.adain)).toBeLessThan(ROUNDING);
  });

  it('changes nothing when the picture is its own reference', async () => {
    expect(maxDifference((await adain(picture, picture)).data, picture.data)).toBeLessThan(ROUNDING);
  });

  it('undoes a change of brightness and contrast', async () => {
    const changed = affine(picture, 0.5, 0.3);
    // the variance's floor of 1e-5 is part of the formula
    expect(maxDifference((await adain(changed, picture)).data, picture.data)).toBeLessThan(1e-2);
  });

  it('takes its figures from the whole, however it is read', async () => {
    const [whole, strips] = [await adain(picture, reference), await adain(picture, reference, 3 * width)];
    expect(maxDifference(strips.data, whole.data)).toBeLessThan(ROUNDING);
  });

  it('rejects a reference of another size', () => {
    expect(() => adainColorFix(sourceOf(picture), sourceOf(new NoiseGenerator(0).normal([1, 3, 4, 4])))).toThrow(RangeError);
  });
});

describe('waveletColorFix', () => {
  it('equals the sum of five explicit bands in SciPy', async () => {
    expect(maxDifference((await wavelet(picture, reference)).data, planes.wavelet)).toBeLessThan(ROUNDING);
  });

  it('takes away a colour cast', async () => {
    const cast = affine(picture, 1, 0.2);
    expect(maxDifference((await wavelet(cast, picture)).data, picture.data)).toBeLessThan(ROUNDING);
  });

  it('is the same read in strips as read whole', async () => {
    const [whole, strips] = [await wavelet(picture, reference), await wavelet(picture, reference, 3 * width)];
    expect(maxDifference(strips.data, whole.data)).toBeLessThan(ROUNDING);
  });

  it('works on a single pixel', async () => {
    const one = tensorOf([0.1, 0.2, 0.3], [1, 3, 1, 1]);
    const other = tensorOf([0.5, 0.6, 0.7], [1, 3, 1, 1]);
    expect(maxDifference((await wavelet(one, other)).data, other.data)).toBeLessThan(ROUNDING);
  });

  it('rejects a reference of another size', () => {
    expect(() => waveletColorFix(sourceOf(picture), sourceOf(new NoiseGenerator(0).normal([1, 3, 4, 4])))).toThrow(RangeError);
  });
});
