import { StudioError } from '../../../src/protocol/errors.ts';

/** Pixels of the working picture beyond which a run is declined: graphs run in tiles, but the whole picture is held in memory several times. */
export const MAX_WORKING_PIXELS = 2 ** 24;

export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Throws StudioError `image-too-large` with the largest scale or side that would do. `working`: what the networks would see of `image` at `scale`. */
export function checkWorkingSize(working: Size, image: Size, scale: number): void {
  if (working.height * working.width <= MAX_WORKING_PIXELS) return;
  const fitting = Math.floor(Math.sqrt(MAX_WORKING_PIXELS / (image.height * image.width)));
  const help =
    fitting >= 1 ? `×${fitting} would fit` : `reduce it to about ${Math.floor(Math.sqrt(MAX_WORKING_PIXELS))} pixels a side first`;
  throw new StudioError(
    'image-too-large',
    `${image.width}×${image.height} at ×${scale} is too large: results are limited to ${Math.floor(MAX_WORKING_PIXELS / 1e6)} megapixels for now; ${help}.`,
    { details: { height: image.height, width: image.width, scale, maxPixels: MAX_WORKING_PIXELS } },
  );
}

/** Both sides resized down to whole multiples, at least one. */
export function toMultiple(size: Size, multipleOf: number): Size {
  return eachSide(size, (side) => Math.max(multipleOf, Math.floor(side / multipleOf) * multipleOf));
}

export function eachSide({ height, width }: Size, change: (side: number) => number): Size {
  return { height: change(height), width: change(width) };
}
