import { describe, expect, it } from 'vitest';
import { padBehindAlpha } from '../../../src/core/alpha.ts';
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
