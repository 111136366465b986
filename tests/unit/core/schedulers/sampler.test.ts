import { describe, expect, it } from 'vitest';
import { NoiseGenerator } from '../../../../src/core/random.ts';
import { addNoise } from '../../../../src/core/schedulers/prediction.ts';
import { openSampler } from '../../../../src/core/schedulers/sampler.ts';
import { alphasCumprod, type SchedulerConfig } from '../../../../src/core/schedulers/schedule.ts';
import { startSample } from '../../../../src/core/schedulers/start.ts';
import { type StepInput, takeStep } from '../../../../src/core/schedulers/step.ts';
import { stackBatch, type Tensor, tensor, weightedSum } from '../../../../src/core/tensor.ts';
import { SAMPLERS, type SamplerName } from '../../../../src/protocol/request.ts';
import { golden, maxDifference, tensorOf } from '../../../support/golden.ts';

interface SchedulerGolden {
  readonly config: SchedulerConfig;
  readonly dims: readonly number[];
  readonly alphas: Readonly<Record<string, number>>;
  readonly loops: readonly {
    readonly sampler: SamplerName;
    readonly steps: number;
    readonly predictionType: SchedulerConfig['prediction_type'];
    readonly timesteps: readonly number[];
    readonly seed: number;
    readonly start: readonly number[];
    readonly after: Readonly<Record<string, readonly number[]>>;
    readonly x0: Readonly<Record<string, readonly number[]>>;
  }[];
  readonly addNoise: { readonly latent: number[]; readonly noise: number[]; readonly timestep: number; readonly out: number[] };
  readonly noisedTwice: { readonly steps: number; readonly second: number[]; readonly out: number[] };
}

const pinned = golden<SchedulerGolden>('schedulers');
const alphas = alphasCumprod(pinned.config);
/** diffusers works in float32; over 50 steps x0 at small ᾱ multiplies its rounding by up to 13. */
const LOOP_TOLERANCE = 2e-4;
const ALPHA_TOLERANCE = 2e-6;
const DIMS = [1, 1, 4, 4];

/** A run of a sampler, each step with what the one before left. */
function openSampling(name: SamplerName, config: SchedulerConfig, steps: number) {
  const sampler = openSampler(name, config, steps);
  let memory: readonly Tensor[] = [];
  const step = (index: number, input: Omit<StepInput<Tensor>, 'guidance' | 'memory'>) => {
    const taken = takeStep<Tensor>(sampler.coefficients(index), { ...input, guidance: 1, memory });
    memory = taken.memory;
    return taken;
  };
  return { ...sampler, step };
}

describe('alphasCumprod', () => {
  it.each(Object.entries(pinned.alphas))('equals diffusers at t = %s', (t, value) => {
    expect(Math.abs((alphas[Number(t)] ?? 0) - value) / value).toBeLessThan(ALPHA_TOLERANCE);
  });

  it('falls with every step', () => {
    for (let t = 1; t < alphas.length; t++) expect(alphas[t] ?? 1).toBeLessThan(alphas[t - 1] ?? 0);
  });
});

describe('timesteps', () => {
  it.each([
    ['ddpm', [981, 961], 1],
    ['spaced-ddpm', [999, 979], 0],
    ['unipc', [999, 979], 20],
  ] as const)('of %s for 50 steps begin and end as published', (name, first, last) => {
    const { timesteps } = openSampling(name, pinned.config, 50);
    expect(timesteps.slice(0, 2)).toEqual(first);
    expect(timesteps.at(-1)).toBe(last);
  });

  it('of spaced DDPM round halves to even, as Python does', () => {
    expect(openSampling('spaced-ddpm', pinned.config, 3).timesteps).toEqual([999, 500, 0]);
    expect(openSampling('spaced-ddpm', pinned.config, 7).timesteps).toEqual([999, 832, 666, 500, 333, 166, 0]);
    expect(openSampling('spaced-ddpm', pinned.config, 1).timesteps).toEqual([0]);
  });

  it.each(pinned.loops)('of $sampler equal the reference for $steps steps', ({ sampler, steps, timesteps }) => {
    expect(openSampling(sampler, pinned.config, steps).timesteps).toEqual(timesteps);
  });

  it.each(SAMPLERS.flatMap((name) => [0, 1001, 2.5].map((steps) => [name, steps] as const)))('of %s reject %d steps', (name, steps) => {
    expect(() => openSampling(name, pinned.config, steps)).toThrow(RangeError);
  });
});

describe('samplers', () => {
  it.each(pinned.loops)('$sampler follows its reference over $steps steps of $predictionType', (loop) => {
    const sampling = openSampling(loop.sampler, { ...pinned.config, prediction_type: loop.predictionType }, loop.steps);
    const generator = new NoiseGenerator(loop.seed);
    let sample = generator.normal(pinned.dims);
    expect(maxDifference(sample.data, loop.start)).toBeLessThan(1e-5);
    sampling.timesteps.forEach((timestep, index) => {
      const prediction = tensor(
        sample.data.map((x) => Math.sin(3 * x + timestep / 100) / 2),
        sample.dims,
      );
      const noise = sampling.usesNoise ? generator.normal(pinned.dims) : null;
      const { next, x0 } = sampling.step(index, { sample, prediction, noise });
      sample = next;
      const after = loop.after[String(index)];
      if (after === undefined) return;
      expect(maxDifference(next.data, after)).toBeLessThan(LOOP_TOLERANCE);
      expect(maxDifference(x0.data, loop.x0[String(index)] ?? [])).toBeLessThan(LOOP_TOLERANCE);
    });
  });

  it.each(SAMPLERS)('%s ends at the clean latent when told the true noise at every step', (name) => {
    const generator = new NoiseGenerator(2);
    const clean = generator.normal(DIMS);
    const sampling = openSampling(name, pinned.config, 10);
    let sample = startSample('lr', alphas, sampling, clean, generator.normal(DIMS), () => generator.normal(DIMS));
    for (const [index, timestep] of sampling.timesteps.entries()) {
      const abar = alphas[timestep] ?? Number.NaN;
      const prediction = tensor(
        sample.data.map((x, i) => (x - Math.sqrt(abar) * (clean.data[i] ?? 0)) / Math.sqrt(1 - abar)),
        DIMS,
      );
      const { next, x0 } = sampling.step(index, { sample, prediction, noise: sampling.usesNoise ? generator.normal(DIMS) : null });
      expect(maxDifference(x0.data, clean.data)).toBeLessThan(1e-4);
      sample = next;
    }
    // DDIM's last step goes to ᾱ of the first training step, as Stable Diffusion's configuration has it
    expect(maxDifference(sample.data, clean.data)).toBeLessThan(name === 'ddim' ? 0.1 : 1e-4);
  });

  it.each(['ddpm', 'spaced-ddpm'] as const)('%s ends at its x0 prediction: the noise of the last step adds nothing', (name) => {
    const generator = new NoiseGenerator(3);
    const sampling = openSampling(name, pinned.config, 50);
    const [sample, prediction, noise] = [generator.normal(DIMS), generator.normal(DIMS), generator.normal(DIMS)];
    const { next, x0 } = sampling.step(49, { sample, prediction, noise });
    expect(maxDifference(next.data, x0.data)).toBeLessThan(1e-6);
  });

  it('reject a step without its noise, outside the run, or out of order', () => {
    const x = tensor(new Float32Array(1), [1]);
    const input = { sample: x, prediction: x, noise: null };
    for (const name of ['ddpm', 'spaced-ddpm'] as const) {
      expect(() => openSampling(name, pinned.config, 50).step(0, input)).toThrow(TypeError);
    }
    for (const name of SAMPLERS) expect(() => openSampling(name, pinned.config, 5).step(5, input)).toThrow(RangeError);
    expect(() => openSampling('unipc', pinned.config, 5).step(1, input)).toThrow(RangeError);
  });

  it.each(SAMPLERS)(
    '%s guides in the step itself: of two predictions it takes the negative and so much of the way to the positive',
    (name) => {
      const generator = new NoiseGenerator(4);
      const [sample, negative, positive, noise, ...memory] = Array.from({ length: 7 }, () => generator.normal(DIMS)) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
        ...Tensor[],
      ];
      const coefficients = openSampler(name, pinned.config, 9).coefficients(5);
      const asked = { sample, noise, memory };
      const both = takeStep(coefficients, { ...asked, prediction: stackBatch(negative, positive), guidance: 3.5 });
      const mixed = weightedSum([-2.5, negative], [3.5, positive]);
      const one = takeStep(coefficients, { ...asked, prediction: mixed, guidance: 1 });
      expect(maxDifference(both.next.data, one.next.data)).toBeLessThan(1e-5);
      expect(maxDifference(both.x0.data, one.x0.data)).toBeLessThan(1e-5);
    },
  );

  it('that remember hand on what they have without copying it', () => {
    const generator = new NoiseGenerator(4);
    const [sample, prediction, ...memory] = Array.from({ length: 5 }, () => generator.normal(DIMS)) as [Tensor, Tensor, ...Tensor[]];
    const { coefficients } = openSampler('unipc', pinned.config, 9);
    expect(takeStep(coefficients(0), { sample, prediction, guidance: 1, noise: null, memory: [] }).memory[0]).toBe(sample);
    expect(takeStep(coefficients(4), { sample, prediction, guidance: 1, noise: null, memory }).memory[2]).toBe(memory[1]);
  });
});

describe('where sampling starts', () => {
  const { latent, noise, timestep, out } = pinned.addNoise;
  const [z, n] = [tensorOf(latent, pinned.dims), tensorOf(noise, pinned.dims)];
  const second = tensorOf(pinned.noisedTwice.second, pinned.dims);
  const sampling = openSampling('unipc', pinned.config, pinned.noisedTwice.steps);

  it('equals diffusers, noised once', () => {
    expect(maxDifference(addNoise(alphas[timestep] ?? 0, z, n).data, out)).toBeLessThan(1e-6);
    expect(maxDifference(startSample('lr', alphas, sampling, z, n, () => second).data, out)).toBeLessThan(1e-6);
  });

  it('equals the diffusers of today, noised twice: a level outside the run means its last', () => {
    const started = startSample('lr-twice', alphas, sampling, z, n, () => second);
    // two roundings to float32 there
    expect(maxDifference(started.data, pinned.noisedTwice.out)).toBeLessThan(5e-6);
  });

  it('keeps hardly anything of the input, noised twice as before diffusers 0.22', () => {
    const started = startSample('lr-twice-legacy', alphas, sampling, z, n, () => second);
    // systems as published: x ← .1190 x + .9929 n₂
    const expected = out.map((value, i) => 0.119 * value + 0.9929 * (second.data[i] ?? 0));
    expect(maxDifference(started.data, expected)).toBeLessThan(1e-3);
  });

  it('uses a level the run does have', () => {
    const tenSteps = openSampling('unipc', pinned.config, 10);
    const withLevel = { timesteps: [...tenSteps.timesteps.slice(0, 1), 900] };
    const [today, legacy] = (['lr-twice', 'lr-twice-legacy'] as const).map((point) =>
      startSample(point, alphas, withLevel, z, n, () => second),
    );
    expect(today?.data).toEqual(legacy?.data);
  });

  it('is the noise itself where it starts from noise', () => {
    expect(startSample('noise', alphas, sampling, z, n, () => second)).toBe(n);
  });
});
