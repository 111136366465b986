import { type HaarBands, haar, highView, inverseHaar, lowView } from './dwt.ts';
import { ssimY } from './metrics.ts';
import { type Rgba8, toPicture, toPlanes, withAlpha } from './picture.ts';
import { resizePicture } from './resize.ts';
import { affine, type Tensor, weightedSum } from './tensor.ts';

/** What a difference is multiplied by to be seen. */
export const DIFFERENCE_GAIN = 4;

/** A part of a picture at its full size: all of it, its one-level Haar approximation, or its details. */
export type Band = 'whole' | 'low' | 'high';

export interface BandDifference {
  /** `signed`: grey where equal, lighter where `b` is more. Otherwise black where equal. Magnified by DIFFERENCE_GAIN. */
  readonly picture: Rgba8;
  /** Mean absolute difference over all colour values, in levels of 255. */
  readonly meanLevels: number;
}

/** The difference b − a of two pictures of equal size within a band. Throws RangeError for unequal sizes. */
export function bandDifference(a: Rgba8, b: Rgba8, band: Band, signed: boolean): BandDifference {
  checkSizes(a, b);
  const difference = bandOf(weightedSum([-1, toPlanes(a)], [1, toPlanes(b)]), band);
  let sum = 0;
  for (const value of difference.data) sum += Math.abs(value);
  const shown = signed
    ? affine(difference, DIFFERENCE_GAIN, 0.5)
    : { dims: difference.dims, data: difference.data.map((value) => DIFFERENCE_GAIN * Math.abs(value)) };
  return { picture: toPicture(shown), meanLevels: (255 * sum) / difference.data.length };
}

/** The low band of one picture and the high band of another of equal size, the latter times `gain`; alpha is that of `low`. */
export function mixBands(low: Rgba8, high: Rgba8, gain: number): Rgba8 {
  checkSizes(low, high);
  return withAlpha(toPicture(weightedSum([1, bandOf(toPlanes(low), 'low')], [gain, bandOf(toPlanes(high), 'high')])), low);
}

/** Structural similarity of the low and of the high band views of `picture` to those of `reference`, resized to its size first. */
export function bandSimilarity(picture: Rgba8, reference: Rgba8): { readonly low: number; readonly high: number } {
  const own = haar(toPlanes(picture));
  const wanted = haar(toPlanes(resizePicture(reference, picture.height, picture.width, 'bicubic')));
  return {
    low: ssimY(toPicture(lowView(own)), toPicture(lowView(wanted)), 0),
    high: ssimY(toPicture(highView(own)), toPicture(highView(wanted)), 0),
  };
}

/** Planes [1, C, H, W] with only one band left. */
function bandOf(planes: Tensor, band: Band): Tensor {
  if (band === 'whole') return planes;
  const [, , height = 0, width = 0] = planes.dims;
  const { ll, lh, hl, hh } = haar(planes);
  const none = { dims: ll.dims, data: new Float32Array(ll.data.length) };
  const kept: HaarBands = band === 'low' ? { ll, lh: none, hl: none, hh: none } : { ll: none, lh, hl, hh };
  return inverseHaar(kept, height, width);
}

function checkSizes(a: Rgba8, b: Rgba8): void {
  if (a.height !== b.height || a.width !== b.width) {
    throw new RangeError(`expected equal sizes, got ${a.height}×${a.width} and ${b.height}×${b.width}`);
  }
}
