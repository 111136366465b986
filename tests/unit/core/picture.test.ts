import { describe, expect, it } from 'vitest';
import { cropPlanes, hasAlpha, padPlanes, toPicture, toPlanes, withAlpha } from '../../../src/core/picture.ts';
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

describe('planes of another size', () => {
  const planes = tensorOf([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [1, 2, 2, 3]);

  it('are padded with zeros at the right and bottom, and cropped back', () => {
    const padded = padPlanes(planes, { height: 3, width: 4 }, 'zeros');
    expect(padded.dims).toEqual([1, 2, 3, 4]);
    expect([...padded.data.slice(0, 12)]).toEqual([1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0, 0]);
    expect(cropPlanes(padded, { height: 2, width: 3 })).toEqual(planes);
    expect(padPlanes(planes, { height: 2, width: 3 }, 'zeros')).toEqual(planes);
    const edge = padPlanes(planes, { height: 3, width: 4 }, 'edge');
    expect([...edge.data.slice(0, 12)]).toEqual([1, 2, 3, 3, 4, 5, 6, 6, 4, 5, 6, 6]);
  });

  it('are not padded to less nor cropped to more', () => {
    expect(() => padPlanes(planes, { height: 1, width: 9 }, 'edge')).toThrow(RangeError);
    expect(() => cropPlanes(planes, { height: 2, width: 4 })).toThrow(RangeError);
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
