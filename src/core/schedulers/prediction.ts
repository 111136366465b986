import { type Tensor, weightedSum } from '../tensor.ts';
import type { SchedulerConfig } from './schedule.ts';
import { PREDICTION, SAMPLE, sumTerms, type Terms } from './step.ts';

/** The one place that knows prediction types: x0 and eps from the network's output for a sample at ᾱ. */
export function readPrediction(config: SchedulerConfig, abar: number): { readonly x0: Terms; readonly eps: Terms } {
  const signal = Math.sqrt(abar);
  const sigma = Math.sqrt(1 - abar);
  switch (config.prediction_type) {
    case 'epsilon':
      return { x0: sumTerms([1 / signal, SAMPLE], [-sigma / signal, PREDICTION]), eps: PREDICTION };
    case 'sample':
      return { x0: PREDICTION, eps: sumTerms([1 / sigma, SAMPLE], [-signal / sigma, PREDICTION]) };
    case 'v_prediction':
      return { x0: sumTerms([signal, SAMPLE], [-sigma, PREDICTION]), eps: sumTerms([signal, PREDICTION], [sigma, SAMPLE]) };
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
