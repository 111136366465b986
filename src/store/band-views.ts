import { haar, highView, lowView } from '../core/dwt.ts';
import { toPicture, toPlanes } from '../core/picture.ts';
import { resizePicture } from '../core/resize.ts';
import type { Extent, Image8 } from '../protocol/request.ts';

/** A picture's bands as a step's previews show them: of the picture at the size of those, bicubic where it is another. */
export function bandViews(picture: Image8, { height, width }: Extent): { readonly low: Image8; readonly high: Image8 } {
  const bands = haar(toPlanes(resizePicture(picture, height, width, 'bicubic')));
  return { low: toPicture(lowView(bands)), high: toPicture(highView(bands)) };
}

/** The level of 255 that a high band's strong details are lifted to: later steps may have up to twice as much, and it shows. */
const STRONG_LEVEL = 120;
/** What counts as strong: all but so many of a thousand colour values are weaker. */
const STRONG_PER_MILLE = 30;

export const HIGH_GAINS = [1, 2, 3, 4, 6, 8, 12, 16] as const;

/** What a run's views of high bands are multiplied by so that its first is seen, one of HIGH_GAINS: kept for the whole run, so that growth shows. */
export function highGainFor({ rgba8 }: Image8): number {
  const counts = new Uint32Array(256);
  for (let i = 0; i < rgba8.length; i++) {
    const level = rgba8[i] ?? 0;
    if (i % 4 !== 3) counts[level] = (counts[level] ?? 0) + 1;
  }
  let left = (STRONG_PER_MILLE * 3 * (rgba8.length / 4)) / 1000;
  let strong = 255;
  while (strong > 1 && left >= (counts[strong] ?? 0)) left -= counts[strong--] ?? 0;
  return HIGH_GAINS.findLast((gain) => gain * strong <= STRONG_LEVEL) ?? 1;
}
