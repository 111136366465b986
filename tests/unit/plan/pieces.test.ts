import { describe, expect, it } from 'vitest';
import { areasMeet } from '../../../src/core/area.ts';
import { overlappingTiles, partsWithHalo } from '../../../src/core/tiling.ts';
import { piecesOf } from '../../../src/plan/pieces.ts';

const INPUTS = [{ name: 'sample', dtype: 'float32', dims: [1, 4, 'h', 'w'] }] as const;
const REGION = { top: 90, left: 40, height: 30, width: 61 };

/** Every piece there is, height and width. */
function listed({ heights, widths }: ReturnType<typeof piecesOf>): readonly (readonly [number, number])[] {
  return heights.flatMap((height) => widths.map((width) => [height, width] as const));
}

describe('the pieces of a plan', () => {
  it.each([
    [300, 200, null],
    [64, 65, null],
    [7, 999, null],
    [300, 200, REGION],
  ])('are the tiles that a run of %d × %d cells computes, of %o', (height, width, needed) => {
    const tiles = overlappingTiles(height, width, 64, 16).filter((tile) => needed === null || areasMeet(tile, needed));
    const pieces = piecesOf({ tiling: { kind: 'blend', tile: 128, overlap: 16 }, inputs: INPUTS }, { height, width }, 64, needed);
    expect(listed(pieces)).toEqual(tiles.map((tile) => [tile.height, tile.width]));
  });

  it.each([[null], [REGION]])('are the parts that a run computes, with all that each sees, of %o', (needed) => {
    const parts = partsWithHalo(300, 200, 64, 12).filter(({ inner }) => needed === null || areasMeet(inner, needed));
    const pieces = piecesOf({ tiling: { kind: 'halo', cells: 12, part: 64 }, inputs: INPUTS }, { height: 300, width: 200 }, null, needed);
    expect(listed(pieces)).toEqual(parts.map(({ outer }) => [outer.height, outer.width]));
  });
});
