import type { Rgba8 } from './picture.ts';

/** Alpha below this says little of a colour: in pictures that were once premultiplied, it is the error of rounding. */
const VISIBLE_FROM = 16;
const FAR = 2 ** 16 - 1;

/**
 * A picture whose hidden pixels (alpha below 16) have the colour of the visible pixel nearest to them, counted in steps along rows and
 * columns. Alpha stays. What resamples colour and alpha apart then draws no fringe of hidden colour. Two passes over the pixels; gives the
 * picture itself where nothing, or everything, is hidden. Sides of up to 2¹⁵.
 */
export function padBehindAlpha<Picture extends Rgba8>(picture: Picture): Picture {
  const { height, width } = picture;
  const stepsAway = new Uint16Array(height * width);
  let hidden = 0;
  for (let i = 0; i < stepsAway.length; i++) {
    if ((picture.rgba8[4 * i + 3] ?? 0) >= VISIBLE_FROM) continue;
    stepsAway[i] = FAR;
    hidden++;
  }
  if (hidden === 0 || hidden === stepsAway.length) return picture;
  const rgba8 = picture.rgba8.slice();
  /** Takes the neighbour's colour where that comes from nearer. */
  const take = (i: number, neighbour: number): void => {
    const steps = (stepsAway[neighbour] ?? FAR) + 1;
    if (steps >= (stepsAway[i] ?? 0)) return;
    stepsAway[i] = steps;
    rgba8[4 * i] = rgba8[4 * neighbour] ?? 0;
    rgba8[4 * i + 1] = rgba8[4 * neighbour + 1] ?? 0;
    rgba8[4 * i + 2] = rgba8[4 * neighbour + 2] ?? 0;
  };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (x > 0) take(i, i - 1);
      if (y > 0) take(i, i - width);
    }
  }
  for (let y = height - 1, i = stepsAway.length - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--, i--) {
      if (x < width - 1) take(i, i + 1);
      if (y < height - 1) take(i, i + width);
    }
  }
  return { ...picture, rgba8 };
}
