import { describe, expect, it } from 'vitest';
import { NoiseGenerator } from '../../../../src/core/random.ts';
import { addNoise, ddim, ddpm, SAMPLER_BY_NAME } from '../../../../src/core/schedulers/sampler.ts';
import { alphasCumprod, followingTimestep, type SchedulerConfig, samplingTimesteps } from '../../../../src/core/schedulers/schedule.ts';
import { tensor } from '../../../../src/core/tensor.ts';
import { golden, maxDifference, tensorOf } from '../../../support/golden.ts';

interface SchedulerGolden {
  readonly config: SchedulerConfig;
  readonly dims: readonly number[];
  readonly alphas: Readonly<Record<string, number>>;
  readonly loops: readonly {
    readonly sampler: 'ddpm' | 'ddim';
    readonly steps: number;
    readonly predictionType: SchedulerConfig['prediction_type'];
    readonly timesteps: readonly number[];
    readonly seed: number;
    readonly start: readonly number[];
    readonly after: Readonly<Record<string, readonly number[]>>;
    readonly x0: Readonly<Record<string, readonly number[]>>;
  }[];
  readonly addNoise: { readonly latent: number[]; readonly noise: number[]; readonly timestep: number; readonly out: number[] };
}

const pinned = golden<SchedulerGolden>('schedulers');
const alphas = alphasCumprod(pinned.config);
/** diffusers works in float32; over 50 steps x0 at small ᾱ multiplies its rounding by up to 13. */
const LOOP_TOLERANCE = 2e-4;
const ALPHA_TOLERANCE = 2e-6;

describe('alphasCumprod', () => {
  it.each(Object.entries(pinned.alphas))('equals diffusers at t = %s', (t, value) => {
    expect(Math.abs((alphas[Number(t)] ?? 0) - value) / value).toBeLessThan(ALPHA_TOLERANCE);
  });

  it('falls with every step', () => {
    for (let t = 1; t < alphas.length; t++) expect(alphas[t] ?? 1).toBeLessThan(alphas[t - 1] ?? 0);
  });
});

describe('samplingTimesteps', () => {
  it('gives 981, 961, …, 1 for 50', () => {
    const timesteps = samplingTimesteps(pinned.config, 50);
    expect(timesteps.slice(0, 2)).toEqual([981, 961]);
    expect(timesteps.at(-1)).toBe(1);
  });

  it.each(pinned.loops)('equals diffusers for $steps steps', ({ steps, timesteps }) => {
    expect(samplingTimesteps(pinned.config, steps)).toEqual(timesteps);
  });

  it.each([0, 1001, 2.5])('rejects %d steps', (steps) => {
    expect(() => samplingTimesteps(pinned.config, steps)).toThrow(RangeError);
  });
});

describe('samplers', () => {
  it.each(pinned.loops)('$sampler follows diffusers over $steps steps of $predictionType', (loop) => {
    const config = { ...pinned.config, prediction_type: loop.predictionType };
    const sampler = SAMPLER_BY_NAME[loop.sampler];
    const generator = new NoiseGenerator(loop.seed);
    let sample = generator.normal(pinned.dims);
    expect(maxDifference(sample.data, loop.start)).toBeLessThan(1e-5);
    samplingTimesteps(config, loop.steps).forEach((timestep, index) => {
      const prediction = tensor(
        sample.data.map((x) => Math.sin(3 * x + timestep / 100) / 2),
        sample.dims,
      );
      const following = followingTimestep(config, loop.steps, timestep);
      const noise = sampler.usesNoise ? generator.normal(pinned.dims) : null;
      const { next, x0 } = sampler.step(config, alphas, { sample, prediction, timestep, following, noise });
      sample = next;
      const after = loop.after[String(index)];
      if (after === undefined) return;
      expect(maxDifference(next.data, after)).toBeLessThan(LOOP_TOLERANCE);
      expect(maxDifference(x0.data, loop.x0[String(index)] ?? [])).toBeLessThan(LOOP_TOLERANCE);
    });
  });

  it('recover the clean latent when told the true noise', () => {
    const generator = new NoiseGenerator(2);
    const clean = generator.normal([1, 2, 3, 5]);
    const eps = generator.normal([1, 2, 3, 5]);
    for (const timestep of [1, 401, 981]) {
      const sample = addNoise(alphas, clean, eps, timestep);
      const { x0 } = ddim.step(pinned.config, alphas, { sample, prediction: eps, timestep, following: timestep - 20, noise: null });
      expect(maxDifference(x0.data, clean.data)).toBeLessThan(1e-4);
    }
  });

  it('ddpm ends at its x0 prediction: the noise of the last step adds nothing', () => {
    const generator = new NoiseGenerator(3);
    const sample = generator.normal([1, 1, 4, 4]);
    const input = {
      sample,
      prediction: generator.normal([1, 1, 4, 4]),
      timestep: 1,
      following: -19,
      noise: generator.normal([1, 1, 4, 4]),
    };
    const { next, x0 } = ddpm.step(pinned.config, alphas, input);
    expect(maxDifference(next.data, x0.data)).toBeLessThan(1e-6);
  });

  it('ddpm rejects a step without noise, and both a timestep outside', () => {
    const x = tensor(new Float32Array(1), [1]);
    const input = { sample: x, prediction: x, timestep: 1, following: -19, noise: null };
    expect(() => ddpm.step(pinned.config, alphas, input)).toThrow(TypeError);
    expect(() => ddim.step(pinned.config, alphas, { ...input, timestep: 1000 })).toThrow(RangeError);
  });
});

describe('addNoise', () => {
  it('equals diffusers at the start point', () => {
    const { latent, noise, timestep, out } = pinned.addNoise;
    const started = addNoise(alphas, tensorOf(latent, pinned.dims), tensorOf(noise, pinned.dims), timestep);
    expect(maxDifference(started.data, out)).toBeLessThan(1e-6);
  });
});
