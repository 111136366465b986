import { describe, expect, it } from 'vitest';
import {
  cropPicture,
  emptyPicture,
  hasAlpha,
  isGrey,
  mirrored,
  pasteRows,
  stackRows,
  toGrey,
  toPicture,
  toPlanes,
  withAlpha,
} from '../../../src/core/picture.ts';
import { opaque, tensorOf } from '../../support/golden.ts';

describe('planes and pictures', () => {
  const picture = opaque(
    2,
    3,
    Array.from({ length: 18 }, (_, i) => (i * 37) % 256),
  );

  it('go there and back without loss', () => {
    expect(toPicture(toPlanes(picture))).toEqual(picture);
  });

  it('put channels in order R, G, B and rows before columns', () => {
    const { dims, data } = toPlanes(opaque(1, 2, [255, 0, 0, 0, 0, 255]));
    expect(dims).toEqual([1, 3, 1, 2]);
    expect([...data]).toEqual([1, 0, 0, 0, 0, 1]);
  });

  it('map 0…255 to −1…1 on request', () => {
    expect([...toPlanes(opaque(1, 1, [0, 255, 0]), 2, -1).data]).toEqual([-1, 1, -1]);
  });

  it('clamp, and round to the nearest level', () => {
    const { rgba8 } = toPicture(tensorOf([-0.2, 1.7, 2.6 / 255], [1, 3, 1, 1]));
    expect([...rgba8]).toEqual([0, 255, 3, 255]);
  });

  it('reject planes that are not three', () => {
    expect(() => toPicture(tensorOf([1], [1, 1, 1, 1]))).toThrow(RangeError);
  });
});

describe('parts of pictures', () => {
  const picture = opaque(
    3,
    2,
    Array.from({ length: 18 }, (_, i) => i * 9),
  );
  const rows = [0, 1, 2].map((top) => cropPicture(picture, { top, left: 0, height: 1, width: 2 }));

  it('make up what they were cut from', () => {
    expect(stackRows(rows)).toEqual(picture);
    const whole = emptyPicture(picture);
    for (const [top, row] of rows.entries()) pasteRows(whole, top, row);
    expect(whole).toEqual(picture);
  });

  it('are cut from inside, and put where they fit, only', () => {
    expect(() => cropPicture(picture, { top: 2, left: 1, height: 1, width: 2 })).toThrow(RangeError);
    expect(() => pasteRows(emptyPicture(picture), 1, picture)).toThrow(RangeError);
    expect(() => stackRows([picture, opaque(1, 1, [1, 2, 3])])).toThrow(RangeError);
  });
});

describe('a picture continued by its mirror image', () => {
  const given = opaque(
    2,
    3,
    Array.from({ length: 18 }, (_, i) => i),
  );
  const reds = ({ rgba8 }: { readonly rgba8: Uint8ClampedArray }): number[] => [...rgba8].filter((_, i) => i % 4 === 0);

  it('repeats its edge, then goes back, as NumPy’s symmetric padding', () => {
    const { height, width, rgba8 } = mirrored(given, { height: 5, width: 8 });
    expect([height, width]).toEqual([5, 8]);
    const [first, second] = [
      [0, 3, 6, 6, 3, 0, 0, 3],
      [9, 12, 15, 15, 12, 9, 9, 12],
    ];
    expect(reds({ rgba8 })).toEqual([first, second, second, first, first].flat());
    expect([...rgba8].filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
  });

  it('is the same everywhere where it is one pixel, and itself where nothing is missing', () => {
    expect(reds(mirrored(opaque(1, 1, [7, 8, 9]), { height: 2, width: 3 }))).toEqual(new Array(6).fill(7));
    expect(mirrored(given, given)).toBe(given);
    expect(() => mirrored(given, { height: 1, width: 9 })).toThrow(RangeError);
  });
});

describe('alpha', () => {
  const clear = { height: 1, width: 1, rgba8: Uint8ClampedArray.of(1, 2, 3, 9) };

  it('is noticed where a pixel is not opaque', () => {
    expect(hasAlpha(clear)).toBe(true);
    expect(hasAlpha(opaque(1, 1, [1, 2, 3]))).toBe(false);
  });

  it('moves from one picture to another of the same size', () => {
    expect([...withAlpha(opaque(1, 1, [7, 7, 7]), clear).rgba8]).toEqual([7, 7, 7, 9]);
    expect(() => withAlpha(opaque(1, 2, []), clear)).toThrow(RangeError);
  });
});

describe('toGrey', () => {
  const picture = { ...opaque(1, 2, [10, 10, 10, 200, 100, 0]), rgba16: new Uint16Array([2570, 2570, 2570, 65535, 51400, 25700, 0, 9]) };

  it('gives the light of every pixel in all three colours, alpha as it is, and leaves grey alone', () => {
    const grey = toGrey(picture);
    const light = (r: number, g: number, b: number): number => Math.round(0.2126 * r + 0.7152 * g + 0.0722 * b);
    expect([...grey.rgba8]).toEqual([10, 10, 10, 255, ...new Array<number>(3).fill(light(200, 100, 0)), 255]);
    expect([...(grey.rgba16 ?? [])]).toEqual([2570, 2570, 2570, 65535, ...new Array<number>(3).fill(light(51400, 25700, 0)), 9]);
    expect([isGrey(picture), isGrey(grey), isGrey(opaque(1, 1, [3, 3, 3]))]).toEqual([false, true, true]);
  });
});
