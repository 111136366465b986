import { alphaAt, readPrediction } from './prediction.ts';
import { alphasCumprod, leadingTimesteps, type SchedulerConfig, spacedTimesteps } from './schedule.ts';
import { NOISE, SAMPLE, type Sampler, sumTerms, type Terms } from './step.ts';

/** Ancestral DDPM (Ho et al. 2006.11239, eq. 7) with variance "fixed_small", as SeeSR runs it through diffusers. */
export function ddpm(config: SchedulerConfig, steps: number): Sampler {
  const alphas = alphasCumprod(config);
  const timesteps = leadingTimesteps(config, steps);
  const stride = Math.floor(config.num_train_timesteps / steps);
  return {
    timesteps,
    usesNoise: true,
    coefficients(index) {
      const timestep = timestepAt(timesteps, index);
      const abar = alphaAt(alphas, timestep);
      const { x0 } = readPrediction(config, abar);
      const abarNext = timestep >= stride ? alphaAt(alphas, timestep - stride) : 1;
      return { x0, next: ancestral(x0, abar, abarNext), memory: [] };
    },
  };
}

/** Deterministic DDIM (Song et al. 2010.02502, eq. 12 with σ = 0) over DDPM's timesteps: fewer steps for the same picture. */
export function ddim(config: SchedulerConfig, steps: number): Sampler {
  const alphas = alphasCumprod(config);
  const timesteps = leadingTimesteps(config, steps);
  const stride = Math.floor(config.num_train_timesteps / steps);
  return {
    timesteps,
    usesNoise: false,
    coefficients(index) {
      const timestep = timestepAt(timesteps, index);
      const end = config.set_alpha_to_one ? 1 : alphaAt(alphas, 0);
      const abarNext = timestep >= stride ? alphaAt(alphas, timestep - stride) : end;
      const { x0, eps } = readPrediction(config, alphaAt(alphas, timestep));
      return { x0, next: sumTerms([Math.sqrt(abarNext), x0], [Math.sqrt(1 - abarNext), eps]), memory: [] };
    },
  };
}

/**
 * DiffBIR v1's spaced sampler (guided diffusion's, Nichol & Dhariwal 2102.09672, section 4): DDPM on the schedule that is left when only
 * the used timesteps are kept. Its betas, recomputed from ᾱ there, enter only through ratios of ᾱ. The last step adds no noise.
 */
export function spacedDdpm(config: SchedulerConfig, steps: number): Sampler {
  const alphas = alphasCumprod(config);
  const timesteps = spacedTimesteps(config, steps);
  return {
    timesteps,
    usesNoise: true,
    coefficients(index) {
      const abar = alphaAt(alphas, timestepAt(timesteps, index));
      const { x0 } = readPrediction(config, abar);
      const following = timesteps[index + 1];
      // the posterior's mean at the end is x0 itself
      return { x0, next: following === undefined ? x0 : ancestral(x0, abar, alphaAt(alphas, following)), memory: [] };
    },
  };
}

/** A draw from q(x_next | x_t, x0). */
function ancestral(x0: Terms, abar: number, abarNext: number): Terms {
  const kept = abar / abarNext;
  // diffusers' floor: at the last step the noise drawn adds nothing
  const variance = Math.max(((1 - kept) * (1 - abarNext)) / (1 - abar), 1e-20);
  return sumTerms(
    [(Math.sqrt(abarNext) * (1 - kept)) / (1 - abar), x0],
    [(Math.sqrt(kept) * (1 - abarNext)) / (1 - abar), SAMPLE],
    [Math.sqrt(variance), NOISE],
  );
}

function timestepAt(timesteps: readonly number[], index: number): number {
  const found = timesteps[index];
  if (found === undefined) throw new RangeError(`expected a step of 0 … ${timesteps.length - 1}, got ${index}`);
  return found;
}
