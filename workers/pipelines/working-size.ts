import { StudioError } from '../../src/protocol/errors.ts';
import type { Manifest } from '../../src/protocol/manifest.ts';

/** Pixels of the working picture beyond which a run is declined: it is not cut into tiles yet. */
export const MAX_WORKING_PIXELS = 2 ** 21;

export interface Size {
  readonly height: number;
  readonly width: number;
}

export interface WorkingSizes {
  /** The input, enlarged first when the working picture would be too small for the model. */
  readonly input: Size;
  /** The input times the scale: what SeeSR resizes to first. */
  readonly upscaled: Size;
  /** The same, resized down to whole multiples: what the networks see. */
  readonly working: Size;
  /** What the person asked for. */
  readonly output: Size;
}

/** SeeSR's sizes (test_seesr.py). Throws StudioError `image-too-large` with the largest scale and side that would do. */
export function workingSizes(image: Size, scale: number, { multipleOf, minSide }: Manifest['image']): WorkingSizes {
  const output = { height: image.height * scale, width: image.width * scale };
  const least = Math.ceil(minSide / scale);
  const short = Math.min(image.height, image.width);
  const input = short < least ? each(image, (side) => Math.trunc((side * least) / short)) : image;
  const upscaled = each(input, (side) => Math.trunc(side * scale));
  const working = each(upscaled, (side) => Math.max(multipleOf, Math.floor(side / multipleOf) * multipleOf));
  if (working.height * working.width > MAX_WORKING_PIXELS) throw tooLarge(image, scale);
  return { input, upscaled, working, output };
}

function tooLarge(image: Size, scale: number): StudioError {
  const pixels = image.height * image.width;
  const fitting = Math.floor(Math.sqrt(MAX_WORKING_PIXELS / pixels));
  const help =
    fitting >= 1 ? `×${fitting} would fit` : `reduce it to about ${Math.floor(Math.sqrt(MAX_WORKING_PIXELS))} pixels a side first`;
  return new StudioError(
    'image-too-large',
    `${image.width}×${image.height} at ×${scale} is too large: results are limited to ${MAX_WORKING_PIXELS / 1e6} megapixels for now; ${help}.`,
    { details: { height: image.height, width: image.width, scale, maxPixels: MAX_WORKING_PIXELS } },
  );
}

function each({ height, width }: Size, change: (side: number) => number): Size {
  return { height: change(height), width: change(width) };
}
