import { type Area, type Extent, wholeArea } from '../../../src/core/area.ts';
import { type RegionParts, regionIn } from '../../../src/plan/region.ts';
import { StudioError } from '../../../src/protocol/errors.ts';
import type { Manifest } from '../../../src/protocol/manifest.ts';
import type { RestoreRequest } from '../../../src/protocol/request.ts';

/** Which part of a run's pictures is wanted: all, or a region's. */
export interface Scope {
  /** The whole working picture in latent cells. */
  readonly cells: Extent;
  /** What the region needs of each stage; null for all. */
  readonly parts: RegionParts | null;
  /** What is wanted of the working picture, in its pixels: what previews show. */
  readonly visible: Area;
  /** The pixels of the output to give. */
  readonly result: Area;
}

/**
 * What a request's region means for its working picture and its output. `picture`: what of the working picture is not padding, at the top
 * left. Throws StudioError `option-invalid` for a region that is not in the input.
 */
export function scopeOf(request: RestoreRequest, working: Extent, picture: Extent, output: Extent, manifest: Manifest): Scope {
  const { factor } = manifest.latent;
  const cells = { height: working.height / factor, width: working.width / factor };
  const { region, image, scale, tileCells } = request;
  if (region === null) return { cells, parts: null, visible: wholeArea(picture), result: wholeArea(output) };
  const { top, left, height, width } = region;
  const inside = [top, left, height, width].every(Number.isInteger) && top >= 0 && left >= 0 && height >= 1 && width >= 1;
  if (!inside || top + height > image.height || left + width > image.width) {
    throw new StudioError('option-invalid', `Expected a region inside the ${image.width}×${image.height} picture.`, {
      details: { option: 'region', region: { top, left, height, width } },
    });
  }
  const result = { top: top * scale, left: left * scale, height: height * scale, width: width * scale };
  const parts = regionIn(region, image, picture, cells, manifest, tileCells);
  return { cells, parts, visible: parts.visible, result };
}

/** Both sides resized down to whole multiples, at least one. */
export function toMultiple(size: Extent, multipleOf: number): Extent {
  return eachSide(size, (side) => Math.max(multipleOf, Math.floor(side / multipleOf) * multipleOf));
}

export function eachSide({ height, width }: Extent, change: (side: number) => number): Extent {
  return { height: change(height), width: change(width) };
}
