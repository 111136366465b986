import { type Area, areasMeet } from '../core/area.ts';
import { overlappingTiles, partsWithHalo } from '../core/tiling.ts';
import type { Graph } from '../protocol/manifest.ts';
import type { Size } from './working-size.ts';

/**
 * The pieces a graph is run in, in latent cells, row by row; one where it sees the whole. `cells`: size of the whole; `tileCells`: largest side
 * asked for, null for the tiling rule's own; `needed`: pieces that do not meet it are left out, as `runTiled` does. A graph without a rule
 * runs once: on the whole, or on no cells where it has no spatial inputs.
 */
export function piecesOf(
  { tiling, inputs }: Pick<Graph, 'tiling' | 'inputs'>,
  cells: Size,
  tileCells: number | null,
  needed: Area | null,
): readonly Size[] {
  if (tiling === undefined) return [inputs.some(({ dims }) => /h$/.test(String(dims[2]))) ? cells : { height: 0, width: 0 }];
  const { height, width } = cells;
  const side = Math.min(tiling.kind === 'blend' ? tiling.tile : tiling.part, tileCells ?? Number.POSITIVE_INFINITY);
  if (height <= side && width <= side) return [cells];
  const areas =
    tiling.kind === 'blend'
      ? overlappingTiles(height, width, side, Math.min(tiling.overlap, side / 2)).map((tile) => ({ seen: tile, given: tile }))
      : partsWithHalo(height, width, side, tiling.cells).map(({ outer, inner }) => ({ seen: outer, given: inner }));
  const wanted = areas.filter(({ given }) => needed === null || areasMeet(given, needed));
  return wanted.map(({ seen }) => ({ height: seen.height, width: seen.width }));
}
