import type { Area } from '../core/area.ts';
import { overlappingSpans, type Span, spansWithHalo } from '../core/tiling.ts';
import type { Graph } from '../protocol/manifest.ts';
import type { Size } from './working-size.ts';

/** Pieces in rows and columns, in latent cells: one for each height with each width. */
export interface Pieces {
  readonly heights: readonly number[];
  readonly widths: readonly number[];
}

/**
 * The pieces a graph is run in; one where it sees the whole. `cells`: size of the whole; `tileCells`: largest side asked for, null for the
 * tiling rule's own; `needed`: pieces that do not meet it are left out, as `runTiled` does. A graph without a rule runs once: on the whole, or
 * on no cells where it has no spatial inputs. Counted by rows and columns: a large picture has pieces by the ten thousand.
 */
export function piecesOf(
  { tiling, inputs }: Pick<Graph, 'tiling' | 'inputs'>,
  cells: Size,
  tileCells: number | null,
  needed: Area | null,
): Pieces {
  const whole = { heights: [cells.height], widths: [cells.width] };
  if (tiling === undefined) return inputs.some(({ dims }) => /h$/.test(String(dims[2]))) ? whole : { heights: [0], widths: [0] };
  const side = Math.min(tiling.kind === 'blend' ? tiling.tile : tiling.part, tileCells ?? Number.POSITIVE_INFINITY);
  if (cells.height <= side && cells.width <= side) return whole;
  const seenLengths = (length: number, wanted: Span | null): number[] => {
    const spans =
      tiling.kind === 'blend'
        ? overlappingSpans(length, side, Math.min(tiling.overlap, side / 2)).map((span) => ({ inner: span, outer: span }))
        : spansWithHalo(length, side, tiling.cells);
    return spans.filter(({ inner }) => wanted === null || spansMeet(inner, wanted)).map(({ outer }) => outer.length);
  };
  return {
    heights: seenLengths(cells.height, needed && { start: needed.top, length: needed.height }),
    widths: seenLengths(cells.width, needed && { start: needed.left, length: needed.width }),
  };
}

function spansMeet(a: Span, b: Span): boolean {
  return a.start < b.start + b.length && b.start < a.start + a.length;
}
