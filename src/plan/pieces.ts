import type { Area } from '../core/area.ts';
import { overlappingTiles, partsWithHalo } from '../core/tiling.ts';
import type { Graph } from '../protocol/manifest.ts';
import type { Size } from './working-size.ts';

/**
 * The pieces a graph is run in, in latent cells, row by row; one where it sees the whole. `cells`: size of the whole; `tileCells`: largest side
 * asked for, null for the tiling rule's own. A graph without spatial inputs runs once, on none.
 */
export function piecesOf({ tiling }: Pick<Graph, 'tiling'>, cells: Size, tileCells: number | null): readonly Size[] {
  if (tiling === undefined) return [{ height: 0, width: 0 }];
  const { height, width } = cells;
  const side = Math.min(tiling.kind === 'blend' ? tiling.tile : tiling.part, tileCells ?? Number.POSITIVE_INFINITY);
  if (height <= side && width <= side) return [cells];
  const pieces: readonly Area[] =
    tiling.kind === 'blend'
      ? overlappingTiles(height, width, side, Math.min(tiling.overlap, side / 2))
      : partsWithHalo(height, width, side, tiling.cells).map(({ outer }) => outer);
  return pieces.map((piece) => ({ height: piece.height, width: piece.width }));
}
