import { describe, expect, it } from 'vitest';
import { NoiseGenerator } from '../../../src/core/random.ts';
import { golden, maxDifference } from '../../support/golden.ts';

interface NoiseGolden {
  readonly single: readonly { readonly seed: number; readonly count: number; readonly values: readonly number[] }[];
  readonly sequence: {
    readonly seed: number;
    readonly counts: readonly number[];
    readonly draws: readonly number[][];
    readonly lastTail: readonly number[];
  };
}

/** torch's vector maths and float32 rounding; another bit in the stream would differ by about 1. */
const ROUNDING = 2e-6;
const noise = golden<NoiseGolden>('noise');

describe('NoiseGenerator', () => {
  it.each(noise.single)('equals torch.randn for seed $seed, $count values', ({ seed, count, values }) => {
    expect(maxDifference(new NoiseGenerator(seed).normal([count]).data, values)).toBeLessThan(ROUNDING);
  });

  it('goes on as torch does over short and long draws from one generator', () => {
    const generator = new NoiseGenerator(noise.sequence.seed);
    const draws = noise.sequence.counts.map((count) => generator.normal([count]).data);
    noise.sequence.draws.forEach((values, i) => {
      expect(maxDifference(draws[i] ?? [], values)).toBeLessThan(ROUNDING);
    });
    expect(maxDifference(draws.at(-1)?.slice(-20) ?? [], noise.sequence.lastTail)).toBeLessThan(ROUNDING);
  });

  it('gives the same values for the same seed and others for another', () => {
    const draw = (seed: number) => [...new NoiseGenerator(seed).normal([2, 3, 4]).data];
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
  });

  it('has mean 0 and deviation 1', () => {
    const { data } = new NoiseGenerator(1).normal([100_000]);
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
    // four standard errors of 100,000 samples
    expect(Math.abs(mean)).toBeLessThan(0.013);
    expect(Math.abs(variance - 1)).toBeLessThan(0.018);
  });

  it.each([-1, 2 ** 32, 0.5, Number.NaN])('rejects the seed %d', (seed) => {
    expect(() => new NoiseGenerator(seed)).toThrow(RangeError);
  });
});
