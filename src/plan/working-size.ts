import type { Extent } from '../core/area.ts';
import { FAMILY_OPTIONS } from '../protocol/families.ts';
import type { Manifest } from '../protocol/manifest.ts';

export type Size = Extent;

/** From a picture to its result, by the stages in between, in pixels. */
export interface WorkingSizes {
  /** The picture itself, continued at the right and bottom where a side is too short for the model. */
  readonly input: Size;
  /** The same times the scale. */
  readonly enlarged: Size;
  /** That in whole multiples: what the networks see. */
  readonly working: Size;
  /** What of the working picture, at its top left, is the picture and nothing continued. */
  readonly visible: Size;
  /** The picture times the scale: what was asked for. */
  readonly output: Size;
}

/**
 * The sizes of a run with a bundle. A short side is continued up to the model's least, where the published programs enlarge the whole picture,
 * which makes a strip of two pixels' height 64 times as long; to whole multiples the family resizes or pads, as published.
 */
export function workingSizes({ family, image }: Pick<Manifest, 'family' | 'image'>, picture: Size, scale: number): WorkingSizes {
  const { multipleOf, minSide } = image;
  const padsUp = FAMILY_OPTIONS[family].multiples === 'padded up';
  const least = Math.ceil(minSide / scale);
  const output = eachSide(picture, (side) => side * scale);
  const input = eachSide(picture, (side) => Math.max(side, least));
  const enlarged = eachSide(input, (side) => side * scale);
  const working = eachSide(enlarged, (side) => Math.max(1, (padsUp ? Math.ceil : Math.floor)(side / multipleOf)) * multipleOf);
  const seen = (side: 'height' | 'width'): number => Math.ceil((output[side] * working[side]) / enlarged[side]);
  const visible = padsUp ? output : { height: seen('height'), width: seen('width') };
  return { input, enlarged, working, visible, output };
}

function eachSide({ height, width }: Size, change: (side: number) => number): Size {
  return { height: change(height), width: change(width) };
}
