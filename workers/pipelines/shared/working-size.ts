import { type Area, type Extent, wholeArea } from '../../../src/core/area.ts';
import { type RegionParts, regionIn } from '../../../src/plan/region.ts';
import type { WorkingSizes } from '../../../src/plan/working-size.ts';
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

/** What a request's region means for its working picture and its output. */
export function scopeOf(request: RestoreRequest, { working, visible, output }: WorkingSizes, manifest: Manifest): Scope {
  const { factor } = manifest.latent;
  const cells = { height: working.height / factor, width: working.width / factor };
  const { region, image, scale, tileCells } = request;
  if (region === null) return { cells, parts: null, visible: wholeArea(visible), result: wholeArea(output) };
  const { top, left, height, width } = region;
  const result = { top: top * scale, left: left * scale, height: height * scale, width: width * scale };
  const parts = regionIn(region, image, visible, cells, manifest, tileCells);
  return { cells, parts, visible: parts.visible, result };
}
