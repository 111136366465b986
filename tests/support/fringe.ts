import type { Image8 } from '../../src/protocol/request.ts';

type Rgb = readonly [number, number, number];

export const BACKGROUNDS: readonly (readonly [string, Rgb])[] = [
  ['black', [0, 0, 0]],
  ['white', [255, 255, 255]],
  ['magenta', [255, 0, 255]],
];
/**
 * Levels of 255 by which edges may be off in the mean. Random weights throw single pixels far off, to both sides alike; a fringe is one-sided.
 */
export const NO_FRINGE = 3;
const MIN_EDGES = 1000;

/** By how much edges laid over a background are off the strokes' own colour laid over it: the mean of each channel, the worst of them. */
export function fringe(colours: Image8, alphas: Image8, own: Rgb, background: Rgb): number {
  const sums = [0, 0, 0];
  let edges = 0;
  for (let i = 0; i < colours.rgba8.length; i += 4) {
    const alpha = (alphas.rgba8[i + 3] ?? 0) / 255;
    if (alpha === 0 || alpha === 1) continue;
    edges++;
    const over = (colour: number, c: number) => Math.round(colour * alpha + (background[c] ?? 0) * (1 - alpha));
    for (const c of [0, 1, 2]) sums[c] = (sums[c] ?? 0) + over(colours.rgba8[i + c] ?? 0, c) - over(own[c] ?? 0, c);
  }
  if (edges <= MIN_EDGES) throw new RangeError(`expected over ${MIN_EDGES} edges to measure, got ${edges}`);
  return Math.max(...sums.map((sum) => Math.abs(sum / edges)));
}
