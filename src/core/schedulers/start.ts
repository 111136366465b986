import type { Tensor } from '../tensor.ts';
import { addNoise, alphaAt } from './prediction.ts';
import type { Sampler } from './step.ts';

/** Start latents are noised at the last training step, although sampling may start a little before it (SeeSR, kept for parity). */
const START_TIMESTEP = 999;
/** PASD noises a second time, at this level (`added_noise_level`). */
const SECOND_TIMESTEP = 900;

export type StartPointName = 'lr' | 'noise' | 'lr-twice' | 'lr-twice-legacy';

/**
 * x_T [1, C, h, w] from the input's scaled latent. `lr`: noised once; `noise`: noise alone; `lr-twice`: noised twice, as PASD does. There
 * lies a trap of versions: since diffusers 0.22 a level that is not among the run's timesteps means the last of them, which adds little;
 * before (`-legacy`) it meant itself, which leaves hardly anything of the input. That is a rule of its UniPC, kept here for every sampler: its
 * DDPM and DDIM would take the level itself. `draw` gives the second noise.
 */
export function startSample(
  point: StartPointName,
  alphas: Float64Array,
  { timesteps }: Pick<Sampler, 'timesteps'>,
  latent: Tensor,
  noise: Tensor,
  draw: () => Tensor,
): Tensor {
  if (point === 'noise') return noise;
  const once = addNoise(alphaAt(alphas, START_TIMESTEP), latent, noise);
  if (point === 'lr') return once;
  const known = point === 'lr-twice-legacy' || timesteps.includes(SECOND_TIMESTEP);
  const level = known ? SECOND_TIMESTEP : (timesteps.at(-1) ?? SECOND_TIMESTEP);
  return addNoise(alphaAt(alphas, level), once, draw());
}
