import { type Area, coveringCells, type Extent, growArea } from '../core/area.ts';

/** Cells that are computed around a region: at its border the tiles beyond are missing, and what they would have said is felt so far. */
const REGION_MARGIN = 16;

/**
 * A region of the input in the working picture: `visible`, in its pixels, and `needed`, the latent cells to compute for it. `picture`: what of
 * the working picture is not padding; `cells`: the working picture in cells of `factor` × `factor` pixels.
 */
export function regionIn(
  region: Area,
  input: Extent,
  picture: Extent,
  cells: Extent,
  factor: number,
): { readonly visible: Area; readonly needed: Area } {
  const stretch = { rows: picture.height / input.height, columns: picture.width / input.width };
  const seen = {
    top: Math.floor(region.top * stretch.rows),
    left: Math.floor(region.left * stretch.columns),
    height: Math.ceil(region.height * stretch.rows),
    width: Math.ceil(region.width * stretch.columns),
  };
  const visible = growArea(seen, 0, picture);
  return { visible, needed: growArea(coveringCells(visible, factor), REGION_MARGIN, cells) };
}
