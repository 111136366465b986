import { describe, expect, it } from 'vitest';
import { NoiseGenerator } from '../../../src/core/random.ts';
import { cropPlanes, pastePlanes } from '../../../src/core/tensor.ts';
import { overlappingTiles, partsWithHalo, TileBlend } from '../../../src/core/tiling.ts';
import { maxDifference, tensorOf } from '../../support/golden.ts';

/** Sums of a few products in float32, of values near one. */
const ROUNDING = 1e-5;

describe('overlapping tiles', () => {
  it('cover everything, the last ones moved back to the border, row by row', () => {
    expect(overlappingTiles(20, 11, 8, 2)).toEqual([0, 6, 12].flatMap((top) => [0, 3].map((left) => ({ top, left, height: 8, width: 8 }))));
  });

  it('are no larger than their number needs', () => {
    expect(overlappingTiles(96, 160, 128, 32)).toEqual([0, 64].map((left) => ({ top: 0, left, height: 96, width: 96 })));
  });

  it('are one where all fits in one, as small as the whole', () => {
    expect(overlappingTiles(5, 8, 8, 2)).toEqual([{ top: 0, left: 0, height: 5, width: 8 }]);
  });

  it.each([
    [1, 1],
    [7, 30],
    [33, 8],
    [64, 65],
  ])('leave no cell of %d × %d out', (height, width) => {
    const covered = new Set<number>();
    for (const tile of overlappingTiles(height, width, 8, 3)) {
      expect(tile.top + tile.height).toBeLessThanOrEqual(height);
      expect(tile.left + tile.width).toBeLessThanOrEqual(width);
      for (let y = 0; y < tile.height; y++) for (let x = 0; x < tile.width; x++) covered.add((tile.top + y) * width + tile.left + x);
    }
    expect(covered.size).toBe(height * width);
  });

  it('cannot overlap by as much as they are large', () => {
    expect(() => overlappingTiles(20, 20, 8, 8)).toThrow(RangeError);
  });
});

describe('a blend', () => {
  const whole = new NoiseGenerator(1).normal([2, 3, 13, 21]);

  it('of tiles that agree is what they agree on', () => {
    const blend = new TileBlend(2, 3, 13, 21);
    for (const tile of overlappingTiles(13, 21, 6, 2)) blend.add(tile, cropPlanes(whole, tile));
    expect(maxDifference(blend.take(13).data, whole.data)).toBeLessThan(ROUNDING);
  });

  it('of tiles that differ goes over from one to the other, the same in both directions', () => {
    const [tile, overlap] = [8, 4];
    const tiles = overlappingTiles(8, 12, tile, overlap);
    const line = (turned: boolean): number[] => {
      const blend = turned ? new TileBlend(1, 1, 12, 8) : new TileBlend(1, 1, 8, 12);
      tiles.forEach(({ top, left, height, width }, value) => {
        const at = turned ? { top: left, left: top, height: width, width: height } : { top, left, height, width };
        blend.add(at, tensorOf(Array<number>(64).fill(value), [1, 1, 8, 8]));
      });
      const { data } = blend.take(turned ? 12 : 8);
      return Array.from({ length: 12 }, (_, i) => data[turned ? i * 8 : i] ?? Number.NaN);
    };
    const across = line(false);
    expect(across[0]).toBe(0);
    expect(across[11]).toBe(1);
    for (let x = 1; x < 12; x++) expect(across[x] ?? -1).toBeGreaterThanOrEqual(across[x - 1] ?? 2);
    for (let x = 0; x < 12; x++) expect((across[x] ?? 0) + (across[11 - x] ?? 0)).toBeCloseTo(1, 5);
    expect(maxDifference(Float32Array.from(line(true)), across)).toBeLessThan(ROUNDING);
  });

  it('gives rows out as they are finished, holding no more than a tile of them', () => {
    const blend = new TileBlend(2, 3, 6, 21);
    const rows = [4, 7, 13].map((until, i) => {
      for (const tile of overlappingTiles(13, 21, 6, 2)) if (tile.top === [0, 4, 7][i]) blend.add(tile, cropPlanes(whole, tile));
      return blend.take(until);
    });
    let top = 0;
    for (const { dims, data } of rows) {
      const height = dims[2] ?? 0;
      expect(maxDifference(data, cropPlanes(whole, { top, left: 0, height, width: 21 }).data)).toBeLessThan(ROUNDING);
      top += height;
    }
    expect(top).toBe(13);
  });

  it('is zero where no tile was, and takes none that begins above its rows', () => {
    const blend = new TileBlend(1, 1, 2, 2);
    blend.add({ top: 0, left: 0, height: 1, width: 2 }, tensorOf([1, 2], [1, 1, 1, 2]));
    expect([...blend.take(2).data]).toEqual([1, 2, 0, 0]);
    expect(() => blend.add({ top: 1, left: 0, height: 1, width: 2 }, tensorOf([1, 2], [1, 1, 1, 2]))).toThrow(RangeError);
  });
});

describe('parts with a halo', () => {
  it('divide the whole and see around them as far as there is anything', () => {
    const parts = partsWithHalo(10, 7, 4, 2);
    expect(parts.reduce((cells, { inner }) => cells + inner.height * inner.width, 0)).toBe(70);
    expect(parts[0]).toEqual({ inner: { top: 0, left: 0, height: 4, width: 4 }, outer: { top: 0, left: 0, height: 6, width: 6 } });
    expect(parts.at(-1)).toEqual({ inner: { top: 8, left: 4, height: 2, width: 3 }, outer: { top: 6, left: 2, height: 4, width: 5 } });
  });

  it('make up what they were cut from', () => {
    const whole = new NoiseGenerator(2).normal([1, 2, 10, 7]);
    const copy = tensorOf(Array<number>(140).fill(0), [1, 2, 10, 7]);
    for (const { inner, outer } of partsWithHalo(10, 7, 4, 2)) {
      const within = { ...inner, top: inner.top - outer.top, left: inner.left - outer.left };
      pastePlanes(copy, inner, cropPlanes(whole, outer), within);
    }
    expect(copy.data).toEqual(whole.data);
  });

  it('are cut from inside only', () => {
    const whole = tensorOf([1], [1, 1, 1, 1]);
    expect(() => cropPlanes(whole, { top: 0, left: 1, height: 1, width: 1 })).toThrow(RangeError);
  });
});
