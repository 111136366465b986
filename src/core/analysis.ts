import { type Area, type Extent, wholeArea } from './area.ts';
import { type HaarBands, haar, highView, inverseHaar, lowView } from './dwt.ts';
import { lumaOf, ssimY } from './metrics.ts';
import { cropPicture, emptyPicture, pasteRows, type Rgba8, toPicture, toPlanes, withAlpha } from './picture.ts';
import { resizePicture } from './resize.ts';
import { STRIP_PIXELS, stripsOf } from './sources.ts';
import { affine, type Tensor, weightedSum } from './tensor.ts';

/** What a difference is multiplied by to be seen, unless something else is asked for. */
export const DIFFERENCE_GAIN = 4;

/** A part of a picture at its full size: all of it, its one-level Haar approximation, or its details. */
export type Band = 'whole' | 'low' | 'high';

export interface BandDifference {
  /** `signed`: grey where equal, lighter where `b` is more. Otherwise black where equal. Magnified by the gain. */
  readonly picture: Rgba8;
  /** Mean absolute difference over all colour values, in levels of 255. */
  readonly meanLevels: number;
}

/** The difference b − a of two pictures of equal size within a band. Throws RangeError for unequal sizes. */
export function bandDifference(
  a: Rgba8,
  b: Rgba8,
  band: Band,
  signed: boolean,
  gain = DIFFERENCE_GAIN,
  stripPixels = STRIP_PIXELS,
): BandDifference {
  checkSizes(a, b);
  let sum = 0;
  const picture = inStrips(b, stripPixels, (strip) => {
    const difference = bandOf(weightedSum([-1, planesOf(a, strip)], [1, planesOf(b, strip)]), band);
    for (const value of difference.data) sum += Math.abs(value);
    const shown = signed
      ? affine(difference, gain, 0.5)
      : { dims: difference.dims, data: difference.data.map((value) => gain * Math.abs(value)) };
    return toPicture(shown);
  });
  return { picture, meanLevels: (255 * sum) / (3 * b.height * b.width) };
}

/** The low band of one picture and the high band of another of equal size, the latter times `gain`; alpha is that of `low`. */
export function mixBands(low: Rgba8, high: Rgba8, gain: number, stripPixels = STRIP_PIXELS): Rgba8 {
  checkSizes(low, high);
  const mixed = inStrips(low, stripPixels, (strip) =>
    toPicture(weightedSum([1, bandOf(planesOf(low, strip), 'low')], [gain, bandOf(planesOf(high, strip), 'high')])),
  );
  return withAlpha(mixed, low);
}

/** A picture made strip by strip: of floats there is never more than a strip. Each has whole pairs of rows, as the transform sees them. */
function inStrips(size: Extent, stripPixels: number, make: (strip: Area) => Rgba8): Rgba8 {
  const picture = emptyPicture(size);
  for (const strip of stripsOf(wholeArea(size), 2, stripPixels)) pasteRows(picture, strip.top, make(strip));
  return picture;
}

function planesOf(picture: Rgba8, strip: Area): Tensor {
  return toPlanes(cropPicture(picture, strip));
}

/** The low and high bands of a picture, to be seen and compared. */
export interface BandViews {
  readonly low: Rgba8;
  readonly high: Rgba8;
}

export function bandViews(picture: Rgba8): BandViews {
  const bands = haar(toPlanes(picture));
  return { low: toPicture(lowView(bands)), high: toPicture(highView(bands)) };
}

/** Structural similarity of the bands of two pictures of equal size. */
export function bandSimilarity(own: BandViews, wanted: BandViews): { readonly low: number; readonly high: number } {
  return { low: ssimY(own.low, wanted.low, 0), high: ssimY(own.high, wanted.high, 0) };
}

const LIKENESS_SIDE = 32;

/** Whether two pictures show the same: the correlation of their luma at 32 × 32 pixels, −1…1. Of a picture of one tone it is 1. */
export function likeness(a: Rgba8, b: Rgba8): number {
  const [x, y] = [a, b].map((picture) => centredLuma(resizePicture(picture, LIKENESS_SIDE, LIKENESS_SIDE, 'bilinear')));
  const dot = (p: readonly number[] = [], q: readonly number[] = []): number => p.reduce((sum, value, i) => sum + value * (q[i] ?? 0), 0);
  const norm = Math.sqrt(dot(x, x) * dot(y, y));
  return norm < 1e-6 ? 1 : dot(x, y) / norm;
}

function centredLuma({ rgba8 }: Rgba8): readonly number[] {
  const luma = Array.from({ length: rgba8.length / 4 }, (_, i) => lumaOf(rgba8, 4 * i));
  const mean = luma.reduce((sum, value) => sum + value, 0) / luma.length;
  return luma.map((value) => value - mean);
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
