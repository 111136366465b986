import { type Tensor, weightedSum } from '../tensor.ts';
import { alphaAt, readPrediction } from './prediction.ts';
import type { Sampling, SamplingProgress } from './sampler.ts';
import { alphasCumprod, linspaceTimesteps, type SchedulerConfig } from './schedule.ts';

/** Noise level of one place of the run: α, σ with α² + σ² = 1, and λ = ln(α / σ). */
interface Level {
  readonly alpha: number;
  readonly sigma: number;
  readonly lambda: number;
}

/** The end of every run: no noise. */
const CLEAN: Level = { alpha: 1, sigma: 0, lambda: Number.POSITIVE_INFINITY };

/**
 * UniPC of order 2 (Zhao et al. 2302.04867, algorithms 5–8) as PASD runs it through diffusers: B₂(h), data prediction, the first and last
 * step of order 1. A step first corrects its sample with the fresh prediction, then predicts the next; the prediction is not recomputed.
 */
export function unipc(config: SchedulerConfig, steps: number, progress: SamplingProgress): Sampling {
  const alphas = alphasCumprod(config);
  const timesteps = linspaceTimesteps(config, steps);
  const levels = [...timesteps.map((timestep) => levelOf(alphaAt(alphas, timestep))), CLEAN];
  let { taken } = progress;
  /** The corrected sample, and the newest predictions of x0, newest first. */
  let [corrected, ...x0s] = progress.memory;
  return {
    timesteps,
    usesNoise: false,
    step(index, { sample, prediction }) {
      if (index !== taken || index >= steps) throw new RangeError(`expected step ${taken} of ${steps}, got ${index}`);
      const { x0 } = readPrediction(config, sample, prediction, alphaAt(alphas, timesteps[index] ?? -1));
      x0s = [x0, ...x0s].slice(0, PREDICTIONS_KEPT);
      corrected = corrected === undefined ? sample : correct(levels, index, orderOf(index - 1, steps), x0s, corrected);
      taken++;
      return { next: extrapolate(levels, index, orderOf(index, steps), x0s, corrected), x0 };
    },
    memory: () => (corrected === undefined ? [] : [corrected, ...x0s]),
  };
}

/** As many as a corrector of order 2 reads. */
const PREDICTIONS_KEPT = 3;

function orderOf(step: number, steps: number): 1 | 2 {
  return step === 0 || step === steps - 1 ? 1 : 2;
}

function levelOf(abar: number): Level {
  const [alpha, sigma] = [Math.sqrt(abar), Math.sqrt(1 - abar)];
  return { alpha, sigma, lambda: Math.log(alpha / sigma) };
}

/** UniP: the sample at place i + 1 from the corrected one at i and the predictions so far, newest first. */
function extrapolate(levels: readonly Level[], i: number, order: number, x0s: readonly Tensor[], sample: Tensor): Tensor {
  const [from, to] = [at(levels, i), at(levels, i + 1)];
  const h = to.lambda - from.lambda;
  const gain = -to.alpha * Math.expm1(-h);
  const terms: [number, Tensor][] = [
    [to.sigma / from.sigma, sample],
    [gain, at(x0s, 0)],
  ];
  if (order === 2) {
    const ratio = (at(levels, i - 1).lambda - from.lambda) / h;
    terms.push([(gain * 0.5) / ratio, at(x0s, 1)], [(-gain * 0.5) / ratio, at(x0s, 0)]);
  }
  return weightedSum(...terms);
}

/** UniC: the sample at place i again, from the corrected one at i − 1 and the prediction now known at i. `order`: of the step that led here. */
function correct(levels: readonly Level[], i: number, order: number, x0s: readonly Tensor[], before: Tensor): Tensor {
  const [from, to] = [at(levels, i - 1), at(levels, i)];
  const h = to.lambda - from.lambda;
  const phi1 = Math.expm1(-h);
  const gain = -to.alpha * phi1;
  const [older, newer] = order === 1 ? [0, 0.5] : cornerWeights(levels, i, h, phi1);
  const terms: [number, Tensor][] = [
    [to.sigma / from.sigma, before],
    [gain * (1 - newer), at(x0s, 1)],
    [gain * newer, at(x0s, 0)],
  ];
  if (order === 2) {
    const ratio = (at(levels, i - 2).lambda - from.lambda) / h;
    terms.push([(gain * older) / ratio, at(x0s, 2)], [(-gain * older) / ratio, at(x0s, 1)]);
  }
  return weightedSum(...terms);
}

/** ρ of the second-order corrector: the solution of [[1, 1], [r, 1]] ρ = [φ₂ / B, 2 φ₃ / B] with B = φ₁ = e^(−h) − 1. */
function cornerWeights(levels: readonly Level[], i: number, h: number, phi1: number): readonly [number, number] {
  const ratio = (at(levels, i - 2).lambda - at(levels, i - 1).lambda) / h;
  const phi2 = phi1 / -h - 1;
  const phi3 = phi2 / -h - 0.5;
  const [b1, b2] = [phi2 / phi1, (2 * phi3) / phi1];
  const older = (b1 - b2) / (1 - ratio);
  return [older, b1 - older];
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`expected a place of 0 … ${list.length - 1}, got ${index}`);
  return found;
}
