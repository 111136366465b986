import { describe, expect, it } from 'vitest';
import type { ResizeFilter } from '../../../src/core/resize.ts';
import { resizePicture } from '../../../src/core/resize.ts';
import { golden, maxDifference, opaque } from '../../support/golden.ts';

interface ResizeCase {
  readonly height: number;
  readonly width: number;
  readonly toHeight: number;
  readonly toWidth: number;
  readonly filter: ResizeFilter;
  readonly rgb8: number[];
  readonly out: number[];
}

/** Same fixed point as Pillow; one level is left for compilers that round a weight the other way. */
const LEVELS = 1;

describe('resizePicture', () => {
  it.each(golden<ResizeCase[]>('resize'))('equals Pillow: $height × $width to $toHeight × $toWidth, $filter', (test) => {
    const found = resizePicture(opaque(test.height, test.width, test.rgb8), test.toHeight, test.toWidth, test.filter);
    expect(maxDifference(found.rgba8, opaque(test.toHeight, test.toWidth, test.out).rgba8)).toBeLessThanOrEqual(LEVELS);
  });

  it('gives a copy at the same size', () => {
    const picture = opaque(
      2,
      3,
      Array.from({ length: 18 }, (_, i) => i * 9),
    );
    const same = resizePicture(picture, 2, 3, 'bicubic');
    expect(same).toEqual(picture);
    same.rgba8[0] = 200;
    expect(picture.rgba8[0]).toBe(0);
  });

  it.each(['bilinear', 'bicubic', 'lanczos'] as const)('keeps a flat picture flat with %s', (filter) => {
    const flat = opaque(5, 4, new Array(60).fill(77));
    const found = resizePicture(flat, 13, 3, filter);
    expect([...found.rgba8].every((value, i) => value === (i % 4 === 3 ? 255 : 77))).toBe(true);
  });

  it('treats rows and columns alike', () => {
    const transpose = (p: ReturnType<typeof opaque>) => {
      const rgba8 = new Uint8ClampedArray(p.rgba8.length);
      for (let y = 0; y < p.height; y++)
        for (let x = 0; x < p.width; x++)
          rgba8.set(p.rgba8.subarray(4 * (y * p.width + x), 4 * (y * p.width + x) + 4), 4 * (x * p.height + y));
      return { height: p.width, width: p.height, rgba8 };
    };
    const [test] = golden<ResizeCase[]>('resize');
    if (test === undefined) throw new Error('expected a case');
    const picture = opaque(test.height, test.width, test.rgb8);
    const one = resizePicture(picture, 20, 11, 'bicubic');
    const other = transpose(resizePicture(transpose(picture), 11, 20, 'bicubic'));
    // the passes round in another order
    expect(maxDifference(one.rgba8, other.rgba8)).toBeLessThanOrEqual(2);
  });

  it.each([
    [0, 4],
    [4, 1.5],
  ])('rejects the size %d × %d', (height, width) => {
    expect(() => resizePicture(opaque(1, 1, [0, 0, 0]), height, width, 'bicubic')).toThrow(RangeError);
  });
});
