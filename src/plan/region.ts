import { type Area, coveringCells, type Extent, growArea } from '../core/area.ts';
import type { Manifest, Role } from '../protocol/manifest.ts';
import type { TileCells } from '../protocol/request.ts';

/**
 * Cells that are denoised around a region: the decoder's halo (12), the reach of the colour fix (31 pixels) and of resizing, and as much again
 * of where the tiles beyond are missing.
 */
const REGION_MARGIN = 24;

/** A region of the input in a run: `visible` in pixels of the working picture, the rest in its latent cells. */
export interface RegionParts {
  readonly visible: Area;
  /** To denoise and decode. */
  readonly needed: Area;
  /** To encode: all that the denoiser's tiles that meet `needed` may see. */
  readonly encoded: Area;
  /** To restore in a first stage: all that the encoder sees for that. */
  readonly restored: Area;
}

/**
 * What of a run a region of the input needs. `picture`: what of the working picture is not padding; `cells`: the working picture in cells of
 * the manifest's `latent.factor` pixels a side; `tileCells`: largest side of a tile asked for, null for the manifest's own rule.
 */
export function regionIn(
  region: Area,
  input: Extent,
  picture: Extent,
  cells: Extent,
  { graphs, latent }: Pick<Manifest, 'graphs' | 'latent'>,
  tileCells: TileCells | null,
): RegionParts {
  const stretch = { rows: picture.height / input.height, columns: picture.width / input.width };
  const [top, left] = [Math.floor(region.top * stretch.rows), Math.floor(region.left * stretch.columns)];
  const seen = {
    top,
    left,
    height: Math.ceil((region.top + region.height) * stretch.rows) - top,
    width: Math.ceil((region.left + region.width) * stretch.columns) - left,
  };
  const visible = growArea(seen, 0, picture);
  const needed = growArea(coveringCells(visible, latent.factor), REGION_MARGIN, cells);
  const [denoiser, encoder] = [graphs.denoiser?.[0]?.tiling, graphs.vaeEncoder?.[0]?.tiling];
  const everywhere = Math.max(cells.height, cells.width);
  const tile = denoiser?.kind === 'blend' ? Math.min(denoiser.tile, tileCells ?? everywhere) : everywhere;
  const encoded = growArea(needed, tile, cells);
  return { visible, needed, encoded, restored: growArea(encoded, encoder?.kind === 'halo' ? encoder.cells : everywhere, cells) };
}

/** What of a region a role computes; null for all. */
export function partFor(role: Role, parts: RegionParts | null): Area | null {
  if (parts === null) return null;
  if (role === 'restorer') return parts.restored;
  return role === 'vaeEncoder' || role === 'conditionEncoder' ? parts.encoded : parts.needed;
}
