import { FAMILY_OPTIONS } from '../protocol/families.ts';
import type { Manifest } from '../protocol/manifest.ts';

export interface Size {
  readonly height: number;
  readonly width: number;
}

/**
 * What the networks of a bundle will see of a picture enlarged by `scale`, in pixels: raised where it is too small for the model, then brought to
 * whole multiples as the family does. Where it is raised, families round differently, by less than a multiple.
 */
export function workingSize({ family, image }: Pick<Manifest, 'family' | 'image'>, picture: Size, scale: number): Size {
  const { multipleOf, minSide } = image;
  const raise = Math.max(1, minSide / (Math.min(picture.height, picture.width) * scale));
  const whole = FAMILY_OPTIONS[family].multiples === 'padded up' ? Math.ceil : Math.floor;
  const side = (pixels: number): number => Math.max(1, whole(Math.trunc(pixels * scale * raise) / multipleOf)) * multipleOf;
  return { height: side(picture.height), width: side(picture.width) };
}
