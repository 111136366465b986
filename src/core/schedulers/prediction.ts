import { type Tensor, weightedSum } from '../tensor.ts';
import type { SchedulerConfig } from './schedule.ts';

/** The one place that knows prediction types: x0 and eps from the network's output for a sample at ᾱ. */
export function readPrediction(config: SchedulerConfig, sample: Tensor, prediction: Tensor, abar: number): { x0: Tensor; eps: Tensor } {
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

/** √ᾱ · latent + √(1 − ᾱ) · noise. */
export function addNoise(abar: number, latent: Tensor, noise: Tensor): Tensor {
  return weightedSum([Math.sqrt(abar), latent], [Math.sqrt(1 - abar), noise]);
}

/** ᾱ at a timestep. Throws RangeError outside the schedule. */
export function alphaAt(alphas: Float64Array, timestep: number): number {
  const value = alphas[timestep];
  if (value === undefined) throw new RangeError(`expected a timestep of 0 … ${alphas.length - 1}, got ${timestep}`);
  return value;
}
