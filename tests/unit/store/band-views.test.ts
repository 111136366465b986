import { describe, expect, it } from 'vitest';
import { haar, highView, lowView } from '../../../src/core/dwt.ts';
import { toPicture, toPlanes } from '../../../src/core/picture.ts';
import { bandViews, HIGH_GAINS, highGainFor } from '../../../src/store/band-views.ts';
import { gradient } from '../../support/nano.ts';

function grey(height: number, width: number, level: (i: number) => number) {
  const rgba8 = new Uint8ClampedArray(4 * height * width);
  for (let i = 0; i < height * width; i++) rgba8.set([level(i), level(i), level(i), 255], 4 * i);
  return { height, width, rgba8 };
}

describe('the bands of what stands before the first step', () => {
  it('are a step’s views of a picture of its size', () => {
    const picture = gradient(15, 22);
    const bands = haar(toPlanes(picture));
    expect(bandViews(picture, picture)).toEqual({ low: toPicture(lowView(bands)), high: toPicture(highView(bands)) });
  });

  it('are as large as the steps’, and an enlarged picture has hardly any details', () => {
    const smooth = grey(8, 12, (i) => 2 * i);
    const { low, high } = bandViews(smooth, { height: 32, width: 48 });
    expect([low.height, low.width, high.height, high.width]).toEqual([16, 24, 16, 24]);
    const brightest = high.rgba8.reduce((most, level, i) => (i % 4 === 3 ? most : Math.max(most, level)), 0);
    expect(brightest).toBeLessThan(60);
  });
});

describe('the gain of high bands', () => {
  it.each([
    [255, 1],
    [60, 2],
    [10, 12],
    [1, 16],
    [0, 16],
  ])('lifts details of level %i by %i', (level, gain) => {
    expect(highGainFor(grey(32, 32, (i) => (i % 4 === 0 ? level : 0)))).toBe(gain);
  });

  it('is not held down by a few glaring pixels, and never burns the strong ones out', () => {
    expect(highGainFor(grey(64, 64, (i) => (i < 80 ? 255 : 10)))).toBe(12);
    for (let level = 1; level < 256; level++) {
      const gain = highGainFor(grey(16, 16, () => level));
      expect(HIGH_GAINS).toContain(gain);
      expect(gain === 1 || gain * level <= 255 / 2).toBe(true);
    }
  });
});
