import { type Tensor, weightedSum } from '../tensor.ts';
import { alphaAt, readPrediction } from './prediction.ts';
import type { Sampling } from './sampler.ts';
import { alphasCumprod, leadingTimesteps, type SchedulerConfig, spacedTimesteps } from './schedule.ts';

/** Ancestral DDPM (Ho et al. 2006.11239, eq. 7) with variance "fixed_small", as SeeSR runs it through diffusers. */
export function ddpm(config: SchedulerConfig, steps: number): Sampling {
  const alphas = alphasCumprod(config);
  const timesteps = leadingTimesteps(config, steps);
  const stride = Math.floor(config.num_train_timesteps / steps);
  return {
    timesteps,
    usesNoise: true,
    step(index, { sample, prediction, noise }) {
      const timestep = timestepAt(timesteps, index);
      const abar = alphaAt(alphas, timestep);
      const { x0 } = readPrediction(config, sample, prediction, abar);
      const abarNext = timestep >= stride ? alphaAt(alphas, timestep - stride) : 1;
      return { next: ancestral(sample, x0, abar, abarNext, noise), x0 };
    },
    memory: () => [],
  };
}

/** Deterministic DDIM (Song et al. 2010.02502, eq. 12 with σ = 0) over DDPM's timesteps: fewer steps for the same picture. */
export function ddim(config: SchedulerConfig, steps: number): Sampling {
  const alphas = alphasCumprod(config);
  const timesteps = leadingTimesteps(config, steps);
  const stride = Math.floor(config.num_train_timesteps / steps);
  return {
    timesteps,
    usesNoise: false,
    step(index, { sample, prediction }) {
      const timestep = timestepAt(timesteps, index);
      const end = config.set_alpha_to_one ? 1 : alphaAt(alphas, 0);
      const abarNext = timestep >= stride ? alphaAt(alphas, timestep - stride) : end;
      const { x0, eps } = readPrediction(config, sample, prediction, alphaAt(alphas, timestep));
      return { next: weightedSum([Math.sqrt(abarNext), x0], [Math.sqrt(1 - abarNext), eps]), x0 };
    },
    memory: () => [],
  };
}

/**
 * DiffBIR v1's spaced sampler (guided diffusion's, Nichol & Dhariwal 2102.09672, section 4): DDPM on the schedule that is left when only
 * the used timesteps are kept. Its betas, recomputed from ᾱ there, enter only through ratios of ᾱ. The last step adds no noise.
 */
export function spacedDdpm(config: SchedulerConfig, steps: number): Sampling {
  const alphas = alphasCumprod(config);
  const timesteps = spacedTimesteps(config, steps);
  return {
    timesteps,
    usesNoise: true,
    step(index, { sample, prediction, noise }) {
      const abar = alphaAt(alphas, timestepAt(timesteps, index));
      const { x0 } = readPrediction(config, sample, prediction, abar);
      const following = timesteps[index + 1];
      // the posterior's mean at the end is x0 itself
      if (following === undefined) return { next: x0, x0 };
      return { next: ancestral(sample, x0, abar, alphaAt(alphas, following), noise), x0 };
    },
    memory: () => [],
  };
}

/** A draw from q(x_next | x_t, x0). Throws TypeError without noise. */
function ancestral(sample: Tensor, x0: Tensor, abar: number, abarNext: number, noise: Tensor | null): Tensor {
  if (noise === null) throw new TypeError('expected noise for an ancestral step, got none');
  const kept = abar / abarNext;
  // diffusers' floor: at the last step the noise drawn adds nothing
  const variance = Math.max(((1 - kept) * (1 - abarNext)) / (1 - abar), 1e-20);
  return weightedSum(
    [(Math.sqrt(abarNext) * (1 - kept)) / (1 - abar), x0],
    [(Math.sqrt(kept) * (1 - abarNext)) / (1 - abar), sample],
    [Math.sqrt(variance), noise],
  );
}

function timestepAt(timesteps: readonly number[], index: number): number {
  const found = timesteps[index];
  if (found === undefined) throw new RangeError(`expected a step of 0 … ${timesteps.length - 1}, got ${index}`);
  return found;
}
