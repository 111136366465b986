import { describe, expect, it } from 'vitest';
import { resultFileName, uniqueName } from '../../../src/store/result-names.ts';

const SIDES = { height: 80, width: 112 };

describe('a result’s file name', () => {
  it.each([
    ['cat.jpg', [], 'cat-112x80.png'],
    ['a.b.webp', ['rfsr'], 'a.b-112x80-rfsr.png'],
    ['.png', ['base'], 'picture-112x80-base.png'],
    ['no ending', ['mix'], 'no ending-112x80-mix.png'],
    ['cut.png', ['rfsr', 'partial'], 'cut-112x80-rfsr-partial.png'],
  ] as const)('of %s, marked %j, is %s', (name, marks, expected) => {
    expect(resultFileName(name, SIDES, marks)).toBe(expected);
  });

  it('is like no other, whatever its case', () => {
    const taken = new Set<string>();
    const names = ['a.png', 'A.png', 'a.png', 'a-2.png', 'b.png'].map((name) => uniqueName(name, taken));
    expect(names).toEqual(['a.png', 'A-2.png', 'a-3.png', 'a-2-2.png', 'b.png']);
    expect(taken.size).toBe(5);
  });
});
