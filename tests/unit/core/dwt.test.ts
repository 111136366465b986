import { describe, expect, it } from 'vitest';
import { bandEnergies, haar, highView, inverseHaar, lowView } from '../../../src/core/dwt.ts';
import { NoiseGenerator } from '../../../src/core/random.ts';
import { golden, maxDifference, tensorOf } from '../../support/golden.ts';

interface HaarCase {
  readonly height: number;
  readonly width: number;
  readonly planes: number[];
  readonly ll: number[];
  readonly lh: number[];
  readonly hl: number[];
  readonly hh: number[];
}

/** float32 against PyWavelets' float64, values up to 2. */
const ROUNDING = 1e-6;

describe('haar', () => {
  it.each(golden<HaarCase[]>('haar'))('equals PyWavelets on $height × $width', ({ height, width, planes, ...bands }) => {
    const found = haar(tensorOf(planes, [1, 2, height, width]));
    for (const name of ['ll', 'lh', 'hl', 'hh'] as const) expect(maxDifference(found[name].data, bands[name])).toBeLessThan(ROUNDING);
  });

  it.each([
    [8, 12],
    [7, 5],
    [1, 9],
    [1, 1],
  ])('comes back whole from %d × %d', (height, width) => {
    const planes = new NoiseGenerator(4).normal([1, 3, height, width]);
    expect(maxDifference(inverseHaar(haar(planes), height, width).data, planes.data)).toBeLessThan(4 * ROUNDING);
  });

  it('keeps energy: it is orthonormal on even sides', () => {
    const planes = new NoiseGenerator(6).normal([1, 1, 16, 10]);
    const { ll, lh, hl, hh } = haar(planes);
    const energy = (data: Float32Array) => data.reduce((sum, value) => sum + value * value, 0);
    const after = [ll, lh, hl, hh].reduce((sum, band) => sum + energy(band.data), 0);
    expect(Math.abs(after - energy(planes.data))).toBeLessThan(1e-3);
  });

  it('rejects sides that do not belong to the bands', () => {
    const bands = haar(tensorOf([1, 2, 3, 4], [1, 1, 2, 2]));
    expect(() => inverseHaar(bands, 3, 2)).toThrow(RangeError);
  });
});

describe('views', () => {
  const flat = haar(tensorOf(new Array(3 * 6 * 4).fill(0.25), [1, 3, 6, 4]));

  it('show a flat picture as itself in the low band and black in the high one', () => {
    expect(lowView(flat).data.every((value) => Math.abs(value - 0.25) < ROUNDING)).toBe(true);
    expect(highView(flat).data.every((value) => value === 0)).toBe(true);
  });

  it('count all energy of a flat picture in the low band', () => {
    const { lowEnergy, highEnergy } = bandEnergies(flat);
    expect(lowEnergy).toBeCloseTo(0.25, 6);
    expect(highEnergy).toBe(0);
  });
});
