import { describe, expect, it } from 'vitest';
import { alphaIsMask, enlargedAlpha, padBehindAlpha } from '../../../src/core/alpha.ts';
import { wholeArea } from '../../../src/core/area.ts';
import type { Rgba8 } from '../../../src/core/picture.ts';
import { gradient } from '../../support/nano.ts';

/** RGBA bytes, row by row. */
function picture(width: number, ...pixels: readonly (readonly number[])[]): Rgba8 {
  return { height: pixels.length / width, width, rgba8: Uint8ClampedArray.from(pixels.flat()) };
}

const [RED, BLUE, NOTHING, FAINT] = [
  [200, 10, 20, 255],
  [5, 15, 190, 40],
  [0, 0, 0, 0],
  [77, 1, 0, 9],
] as const;

/** The colour of the nearest visible pixel by trying all: any of those equally near. */
function nearest({ height, width, rgba8 }: Rgba8, y: number, x: number): readonly string[] {
  const seen: { away: number; colour: string }[] = [];
  for (let v = 0; v < height; v++) {
    for (let u = 0; u < width; u++) {
      const at = 4 * (v * width + u);
      if ((rgba8[at + 3] ?? 0) >= 16) seen.push({ away: Math.abs(v - y) + Math.abs(u - x), colour: `${rgba8.subarray(at, at + 3)}` });
    }
  }
  const least = Math.min(...seen.map(({ away }) => away));
  return seen.filter(({ away }) => away === least).map(({ colour }) => colour);
}

describe('padBehindAlpha', () => {
  it('gives hidden pixels, and those that are nearly hidden, the colour of the nearest visible one, and leaves alpha', () => {
    const padded = padBehindAlpha(picture(5, RED, NOTHING, FAINT, NOTHING, BLUE));
    expect([...padded.rgba8]).toEqual([RED, [200, 10, 20, 0], [200, 10, 20, 9], [5, 15, 190, 0], BLUE].flat());
  });

  it('finds the nearest in every direction, as trying all does', () => {
    const scattered = gradient(23, 31);
    for (let i = 0; i < 23 * 31; i++) scattered.rgba8[4 * i + 3] = (i * 7919) % 37 === 0 ? 255 : 0;
    const padded = padBehindAlpha(scattered);
    for (let y = 0; y < 23; y++) {
      for (let x = 0; x < 31; x++) {
        const at = 4 * (y * 31 + x);
        expect(nearest(scattered, y, x)).toContain(`${padded.rgba8.subarray(at, at + 3)}`);
      }
    }
  });

  it('changes nothing that can be seen, and not the picture it was given', () => {
    const given = picture(2, RED, NOTHING, NOTHING, BLUE);
    const before = given.rgba8.slice();
    const padded = padBehindAlpha(given);
    expect(given.rgba8).toEqual(before);
    expect([...padded.rgba8.subarray(0, 4), ...padded.rgba8.subarray(12)]).toEqual([RED, BLUE].flat());
  });

  it.each([
    ['nothing is hidden', picture(2, RED, BLUE)],
    ['everything is', picture(2, NOTHING, FAINT)],
    ['there is one pixel', picture(1, NOTHING)],
  ])('gives the picture itself where %s', (_, given) => {
    expect(padBehindAlpha(given)).toBe(given);
  });
});

describe('alphaIsMask', () => {
  /** A picture whose left half is hidden, with these colours there. */
  const halved = (colour: (i: number) => number): Rgba8 => {
    const given = gradient(16, 16);
    for (let i = 0; i < 256; i++) if (i % 16 < 8) given.rgba8.set([colour(i), colour(i + 1), 7, 0], 4 * i);
    return given;
  };

  it('says so where a picture goes on beneath what is hidden', () => {
    expect(alphaIsMask(halved((i) => (i * 37) % 251))).toBe(true);
  });

  it.each<[string, (i: number) => number]>([
    ['one colour', () => 9],
    ['every row’s own colour', (i) => Math.floor(i / 16)],
    ['every column’s own colour', (i) => i % 16],
  ])('does not where what is hidden has %s', (_, colour) => {
    expect(alphaIsMask(halved(colour))).toBe(false);
  });

  it('does not where nothing is hidden', () => {
    expect(alphaIsMask(gradient(9, 11))).toBe(false);
  });
});

describe('enlargedAlpha', () => {
  const SCALE = 4;
  /** Colour means nothing; alpha is all where `inside` says so. */
  const mask = (side: number, inside: (y: number, x: number) => boolean): Rgba8 => {
    const rgba8 = new Uint8ClampedArray(4 * side * side);
    for (let i = 0; i < side * side; i++) rgba8[4 * i + 3] = inside(Math.floor(i / side), i % side) ? 255 : 0;
    return { height: side, width: side, rgba8 };
  };
  const enlarged = async (picture: Rgba8): Promise<number[]> => {
    const to = { height: SCALE * picture.height, width: SCALE * picture.width };
    const { rgba8 } = await enlargedAlpha(picture, to).read(wholeArea(to));
    return [...rgba8].filter((_, i) => i % 4 === 3).map((value) => value / 255);
  };

  it('draws the outline of a disc as one, not as its stairs', async () => {
    const radius = 12;
    const alpha = await enlarged(mask(32, (y, x) => Math.hypot(y - 15.5, x - 15.5) < radius));
    const side = 32 * SCALE;
    const off = alpha.map((value, i) => {
      const away = Math.hypot(Math.floor(i / side) - (side - 1) / 2, (i % side) - (side - 1) / 2);
      return Math.abs(value - Math.max(0, Math.min(1, radius * SCALE - away + 0.5)));
    });
    const stairs = alpha.map((_, i) => {
      const [y, x] = [Math.floor(i / side / SCALE), Math.floor((i % side) / SCALE)];
      const away = Math.hypot(Math.floor(i / side) - (side - 1) / 2, (i % side) - (side - 1) / 2);
      return Math.abs(Number(Math.hypot(y - 15.5, x - 15.5) < radius) - Math.max(0, Math.min(1, radius * SCALE - away + 0.5)));
    });
    const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
    expect(sum(off)).toBeLessThan(0.6 * sum(stairs));
  });

  it('keeps lines of one pixel, and single pixels', async () => {
    const alpha = await enlarged(mask(15, (y, x) => x === 4 || (y === 7 && x === 10)));
    const at = (y: number, x: number): number => alpha[(SCALE * y + 2) * 15 * SCALE + SCALE * x + 2] ?? 0;
    for (let y = 0; y < 15; y++) expect(at(y, 4)).toBeGreaterThan(0.9);
    expect(at(7, 10)).toBeGreaterThan(0.9);
    expect([at(7, 7), at(2, 10)]).toEqual([0, 0]);
  });

  it('leaves soft alpha to the bicubic filter, and everything as it is at its own size', async () => {
    const soft = mask(8, (y) => y < 4);
    soft.rgba8[3] = 100;
    const { rgba8 } = await enlargedAlpha(soft, soft).read(wholeArea(soft));
    expect(rgba8).toEqual(soft.rgba8);
    const hard = mask(8, (y) => y < 4);
    expect((await enlargedAlpha(hard, hard).read(wholeArea(hard))).rgba8).toEqual(hard.rgba8);
  });
});
