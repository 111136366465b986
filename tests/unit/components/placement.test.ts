import { describe, expect, it } from 'vitest';
import { clampPlacement, fitInto, zoomAbout } from '../../../src/components/placement.ts';

const VIEWPORT = { height: 400, width: 600 };
const PICTURE = { height: 300, width: 800 };

describe('a picture in a viewport', () => {
  it('is fitted whole and in the middle', () => {
    expect(fitInto(VIEWPORT, PICTURE)).toEqual({ scale: 0.75, left: 0, top: 87.5 });
  });

  it('keeps what is under the pointer where it is while it is zoomed', () => {
    const before = fitInto(VIEWPORT, PICTURE);
    const after = zoomAbout(before, 3, 150, 120);
    const under = ({ scale, left, top }: typeof before) => [(150 - left) / scale, (120 - top) / scale];
    expect(under(after)[0]).toBeCloseTo(under(before)[0] ?? Number.NaN, 9);
    expect(under(after)[1]).toBeCloseTo(under(before)[1] ?? Number.NaN, 9);
  });

  it.each([0.1, 0.5, 0.75, 1, 4, 16])('cannot be dragged out of sight at %f', (scale) => {
    for (const left of [-1e6, 0, 1e6]) {
      for (const top of [-1e6, 0, 1e6]) {
        const clamped = clampPlacement({ scale, left, top }, VIEWPORT, PICTURE);
        expect(clamped.left).toBeLessThan(VIEWPORT.width);
        expect(clamped.left + PICTURE.width * scale).toBeGreaterThan(0);
        expect(clamped.top).toBeLessThan(VIEWPORT.height);
        expect(clamped.top + PICTURE.height * scale).toBeGreaterThan(0);
        // what is where it may be stays there
        expect(clampPlacement(clamped, VIEWPORT, PICTURE)).toEqual(clamped);
      }
    }
  });

  it('is not moved by that where it is fitted', () => {
    const fitted = fitInto(VIEWPORT, PICTURE);
    expect(clampPlacement(fitted, VIEWPORT, PICTURE)).toEqual(fitted);
  });
});
