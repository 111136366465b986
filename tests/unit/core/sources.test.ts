import { describe, expect, it } from 'vitest';
import { type Area, growArea, wholeArea } from '../../../src/core/area.ts';
import { cropPicture, type Rgba8, stackRows, toPicture, toRgba16 } from '../../../src/core/picture.ts';
import { NoiseGenerator } from '../../../src/core/random.ts';
import { resizePicture } from '../../../src/core/resize.ts';
import {
  colourOf,
  cropped,
  keptPicture,
  PlaneStore,
  padded,
  pictureOf,
  pictureSource,
  remembered,
  resized,
  resizedPlanes,
  stripsOf,
} from '../../../src/core/sources.ts';
import { affine, cropPlanes, reduce } from '../../../src/core/tensor.ts';
import { maxDifference, opaque, readAll, sourceOf, tensorOf } from '../../support/golden.ts';

const picture: Rgba8 = opaque(
  11,
  7,
  Array.from({ length: 231 }, (_, i) => (i * 7919) % 256),
);

describe('a picture read in areas', () => {
  it.each([
    [44, 28, 'bicubic'],
    [29, 13, 'lanczos'],
    [5, 21, 'bilinear'],
    [11, 3, 'bicubic'],
  ] as const)('is what resizing it whole gives: %d × %d, %s', async (height, width, filter) => {
    const whole = resizePicture(picture, height, width, filter);
    const source = resized(pictureSource(picture), { height, width }, filter);
    const strips = await Promise.all(stripsOf(wholeArea(source), 1, 2 * width).map((strip) => source.read(strip)));
    expect(stackRows(strips)).toEqual(whole);
    const area = { top: 1, left: 1, height: height - 2, width: width - 2 };
    expect(await source.read(area)).toEqual(cropPicture(whole, area));
  });

  it('is what resizing it twice whole gives', async () => {
    const twice = resizePicture(resizePicture(picture, 30, 30, 'bilinear'), 17, 16, 'bicubic');
    const source = resized(resized(pictureSource(picture), { height: 30, width: 30 }, 'bilinear'), { height: 17, width: 16 }, 'bicubic');
    const area = { top: 9, left: 2, height: 3, width: 11 };
    expect(await source.read(area)).toEqual(cropPicture(twice, area));
  });

  it('and kept is computed once where it is kept, and elsewhere where it is read', async () => {
    const whole = pictureSource(picture);
    let read = 0;
    const counted = {
      ...whole,
      read: (area: Area) => {
        read += area.height * area.width;
        return whole.read(area);
      },
    };
    const area = { top: 2, left: 1, height: 6, width: 5 };
    const kept = await keptPicture(counted, area);
    const parts = [area, { top: 4, left: 2, height: 3, width: 4 }];
    for (const part of [...parts, ...parts]) expect(await kept.read(part)).toEqual(await whole.read(part));
    expect(read).toBe(30);
    const beyond = { top: 1, left: 1, height: 6, width: 5 };
    expect(await kept.read(beyond)).toEqual(await whole.read(beyond));
    expect(read).toBe(60);
  });

  it('as planes is what it is as a picture, but for rounding', async () => {
    const to = { height: 29, width: 13 };
    const rounded = resizePicture(picture, to.height, to.width, 'bicubic');
    const planes = resizedPlanes(colourOf(pictureSource(picture)), to, 'bicubic');
    const area = { top: 4, left: 3, height: 20, width: 7 };
    expect(maxDifference(toPicture(await planes.read(area)).rgba8, cropPicture(rounded, area).rgba8)).toBeLessThanOrEqual(1);
    const deep = toRgba16(await planes.read(area));
    const shallow = toPicture(await planes.read(area)).rgba8;
    expect(deep.every((value, i) => Math.abs(value / 257 - (shallow[i] ?? Number.NaN)) <= 0.51)).toBe(true);
  });

  it('keeps its colours through planes and back', async () => {
    const source = pictureOf(colourOf(pictureSource(picture)));
    expect(await source.read(wholeArea(source))).toEqual(picture);
    expect((await cropped(source, { height: 2, width: 3 }).read({ top: 1, left: 1, height: 1, width: 2 })).rgba8).toHaveLength(8);
  });

  it('is read inside only', async () => {
    await expect(pictureSource(picture).read({ top: 10, left: 0, height: 2, width: 7 })).rejects.toThrow(RangeError);
    expect(() => cropped(pictureSource(picture), { height: 12, width: 7 })).toThrow(RangeError);
  });
});

describe('padded planes', () => {
  const planes = tensorOf(
    Array.from({ length: 18 }, (_, i) => i + 1),
    [1, 3, 2, 3],
  );

  it('continue with zeros or their edge, whichever area is read', async () => {
    const zeros = await readAll(padded(sourceOf(planes), { height: 3, width: 4 }, 'zeros'));
    expect([...zeros.data.slice(0, 12)]).toEqual([1, 2, 3, 0, 4, 5, 6, 0, 0, 0, 0, 0]);
    const edge = padded(sourceOf(planes), { height: 3, width: 4 }, 'edge');
    const whole = await readAll(edge);
    expect([...whole.data.slice(0, 12)]).toEqual([1, 2, 3, 3, 4, 5, 6, 6, 4, 5, 6, 6]);
    for (const area of [
      { top: 2, left: 3, height: 1, width: 1 },
      { top: 0, left: 3, height: 3, width: 1 },
      { top: 1, left: 1, height: 2, width: 3 },
    ]) {
      expect((await edge.read(area)).data).toEqual(cropPlanes(whole, area).data);
    }
  });

  it('are not padded to less', () => {
    expect(() => padded(sourceOf(planes), { height: 1, width: 9 }, 'edge')).toThrow(RangeError);
  });
});

describe('stored planes', () => {
  const noise = affine(new NoiseGenerator(3).normal([1, 3, 9, 5]), 0.2, 0.5);

  it('come back within half a level of their 16 bits, written and read in any areas', async () => {
    const store = new PlaneStore({ height: 9, width: 5 });
    for (const strip of stripsOf(wholeArea(store), 1, 10)) store.write(cropPlanes(noise, strip), strip);
    expect(maxDifference((await readAll(store, 15)).data, noise.data)).toBeLessThanOrEqual(2 ** -16 + 1e-7);
  });

  it('are held within their range', async () => {
    const store = new PlaneStore({ height: 1, width: 1 });
    store.write(tensorOf([-9, 9, 1], [1, 3, 1, 1]), wholeArea(store));
    expect([...(await store.read(wholeArea(store))).data]).toEqual([-0.5, 65535 / 32768 - 0.5, 1]);
  });
});

it('strips cover an area once, in whole multiples but for the last', () => {
  const strips = stripsOf({ top: 3, left: 2, height: 21, width: 10 }, 4, 85);
  expect(strips.map(({ top, height }) => [top, height])).toEqual([
    [3, 8],
    [11, 8],
    [19, 5],
  ]);
  expect(stripsOf({ top: 0, left: 0, height: 3, width: 100 }, 2, 1).map(({ height }) => height)).toEqual([2, 1]);
});

it('an area read twice in a row is computed once, and again after a failure', async () => {
  let computed = 0;
  const area = { top: 0, left: 0, height: 1, width: 1 };
  const source = remembered({
    height: 1,
    width: 1,
    async read() {
      computed++;
      if (computed === 1) throw new Error('the first time');
      return tensorOf([1, 2, 3], [1, 3, 1, 1]);
    },
  });
  await expect(source.read(area)).rejects.toThrow(/first time/);
  await Promise.all([source.read(area), source.read(area)]);
  expect(computed).toBe(2);
});

it('planes are reduced to means, of what there is at the border', () => {
  const planes = tensorOf([1, 3, 10, 5, 7, 20, 100, 200, 30], [1, 1, 3, 3]);
  expect(reduce(planes, 2)).toEqual(tensorOf([4, 15, 150, 30], [1, 1, 2, 2]));
  expect(reduce(planes, 1)).toBe(planes);
});

it('a grown area stays inside', () => {
  expect(growArea({ top: 1, left: 5, height: 2, width: 2 }, 3, { height: 9, width: 8 })).toEqual({ top: 0, left: 2, height: 6, width: 6 });
});
