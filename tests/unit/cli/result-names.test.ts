import { describe, expect, it } from 'vitest';
import { resultNames } from '../../../cli/result-names.ts';

const named = (...names: readonly string[]): readonly string[] => [...resultNames(names, 'png').values()];

describe('resultNames', () => {
  it('takes a name without its ending where that is its own', () => {
    expect(named('a.jpg', 'b.tiff', 'c')).toEqual(['a.png', 'b.png', 'c.png']);
  });

  it.each([
    [
      ['a.jpg', 'a.png', 'a.png.bmp'],
      ['a.jpg.png', 'a.png.png', 'a.png.bmp.png'],
    ],
    [
      ['A.jpg', 'a.png'],
      ['A.jpg.png', 'a.png.png'],
    ],
    [
      ['a.png.png', 'a.png', 'a.jpg', 'a.jpg.png'],
      ['a.png.png.png', 'a.png.png', 'a.jpg.png', 'a.jpg.png.png'],
    ],
    [
      ['a.PNG', 'a.png'],
      ['a.PNG.png', 'a.png 2.png'],
    ],
  ])('gives each of %j a name of its own', (names, expected) => {
    expect(named(...names)).toEqual(expected);
  });

  it('keeps within the bytes a name may have', () => {
    const long = ['字'.repeat(84), '字'.repeat(83)].map((stem) => `${stem}.bmp`);
    const places = named(...long);
    expect(new Set(places).size).toBe(2);
    for (const place of places) expect(Buffer.byteLength(place)).toBeLessThanOrEqual(255);
  });
});
