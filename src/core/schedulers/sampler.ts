import { type Tensor, weightedSum } from '../tensor.ts';
import type { SchedulerConfig } from './schedule.ts';

/** What one step needs. `following` below 0 is the end of the run. All tensors share dims. */
export interface StepInput {
  readonly sample: Tensor;
  /** The network's output, in the configuration's `prediction_type`. */
  readonly prediction: Tensor;
  readonly timestep: number;
  readonly following: number;
  /** Fresh standard normal noise; read by samplers with `usesNoise`. */
  readonly noise: Tensor | null;
}

export interface StepOutput {
  readonly next: Tensor;
  readonly x0: Tensor;
}

/** A sampler as data and one pure step. */
export interface Sampler {
  readonly name: string;
  /** Whether a step draws noise. A run draws it at every step, the last included. */
  readonly usesNoise: boolean;
  step(config: SchedulerConfig, alphas: Float64Array, input: StepInput): StepOutput;
}

/** Ancestral DDPM (Ho et al. 2006.11239, eq. 7) with variance "fixed_small", as SeeSR runs it through diffusers. */
export const ddpm: Sampler = {
  name: 'ddpm',
  usesNoise: true,
  step(config, alphas, { sample, prediction, timestep, following, noise }) {
    if (noise === null) throw new TypeError('expected noise for an ancestral step, got none');
    const abar = at(alphas, timestep);
    const abarNext = following >= 0 ? at(alphas, following) : 1;
    const { x0 } = predict(config, sample, prediction, abar);
    const kept = abar / abarNext;
    // diffusers' floor: at the last step the noise drawn adds nothing
    const variance = Math.max(((1 - kept) * (1 - abarNext)) / (1 - abar), 1e-20);
    const next = weightedSum(
      [(Math.sqrt(abarNext) * (1 - kept)) / (1 - abar), x0],
      [(Math.sqrt(kept) * (1 - abarNext)) / (1 - abar), sample],
      [Math.sqrt(variance), noise],
    );
    return { next, x0 };
  },
};

/** Deterministic DDIM (Song et al. 2010.02502, eq. 12 with σ = 0): fewer steps for the same picture. */
export const ddim: Sampler = {
  name: 'ddim',
  usesNoise: false,
  step(config, alphas, { sample, prediction, timestep, following }) {
    const end = config.set_alpha_to_one ? 1 : at(alphas, 0);
    const abarNext = following >= 0 ? at(alphas, following) : end;
    const { x0, eps } = predict(config, sample, prediction, at(alphas, timestep));
    return { next: weightedSum([Math.sqrt(abarNext), x0], [Math.sqrt(1 - abarNext), eps]), x0 };
  },
};

export const SAMPLER_BY_NAME = { ddpm, ddim } as const;

/** √ᾱ_t · latent + √(1 − ᾱ_t) · noise: where a run starts from a picture instead of pure noise. */
export function addNoise(alphas: Float64Array, latent: Tensor, noise: Tensor, timestep: number): Tensor {
  const abar = at(alphas, timestep);
  return weightedSum([Math.sqrt(abar), latent], [Math.sqrt(1 - abar), noise]);
}

/** The one place that knows prediction types: x0 and eps from the network's output. */
function predict(config: SchedulerConfig, sample: Tensor, prediction: Tensor, abar: number): { x0: Tensor; eps: Tensor } {
  const signal = Math.sqrt(abar);
  const sigma = Math.sqrt(1 - abar);
  switch (config.prediction_type) {
    case 'epsilon':
      return { x0: weightedSum([1 / signal, sample], [-sigma / signal, prediction]), eps: prediction };
    case 'sample':
      return { x0: prediction, eps: weightedSum([1 / sigma, sample], [-signal / sigma, prediction]) };
    case 'v_prediction':
      return {
        x0: weightedSum([signal, sample], [-sigma, prediction]),
        eps: weightedSum([signal, prediction], [sigma, sample]),
      };
    default:
      throw config.prediction_type satisfies never;
  }
}

function at(alphas: Float64Array, timestep: number): number {
  const value = alphas[timestep];
  if (value === undefined) throw new RangeError(`expected a timestep of 0 … ${alphas.length - 1}, got ${timestep}`);
  return value;
}
