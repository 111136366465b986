import { type Area, type Extent, wholeArea } from '../../../src/core/area.ts';
import { type RegionParts, regionIn } from '../../../src/plan/region.ts';
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
 * left.
 */
export function scopeOf(request: RestoreRequest, working: Extent, picture: Extent, output: Extent, manifest: Manifest): Scope {
  const { factor } = manifest.latent;
  const cells = { height: working.height / factor, width: working.width / factor };
  const { region, image, scale, tileCells } = request;
  if (region === null) return { cells, parts: null, visible: wholeArea(picture), result: wholeArea(output) };
  const { top, left, height, width } = region;
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
