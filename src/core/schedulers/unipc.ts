import { alphaAt, readPrediction } from './prediction.ts';
import { alphasCumprod, linspaceTimesteps, type SchedulerConfig } from './schedule.ts';
import { recalled, SAMPLE, type Sampler, sumTerms, type Terms } from './step.ts';

/** Noise level of one place of the run: α, σ with α² + σ² = 1, and λ = ln(α / σ). */
interface Level {
  readonly alpha: number;
  readonly sigma: number;
  readonly lambda: number;
}

/** The end of every run: no noise. */
const CLEAN: Level = { alpha: 1, sigma: 0, lambda: Number.POSITIVE_INFINITY };

/** The places of its memory: the corrected sample of the step before, and the predictions of x0 then and once before. */
const [CORRECTED, BEFORE, TWICE_BEFORE] = [0, 1, 2].map(recalled) as [Terms, Terms, Terms];

/**
 * UniPC of order 2 (Zhao et al. 2302.04867, algorithms 5–8) as PASD runs it through diffusers: B₂(h), data prediction, the first and last
 * step of order 1. A step first corrects its sample with the fresh prediction, then predicts the next; the prediction is not recomputed.
 */
export function unipc(config: SchedulerConfig, steps: number): Sampler {
  const alphas = alphasCumprod(config);
  const timesteps = linspaceTimesteps(config, steps);
  const levels = [...timesteps.map((timestep) => levelOf(alphaAt(alphas, timestep))), CLEAN];
  return {
    timesteps,
    usesNoise: false,
    coefficients(index) {
      const { x0 } = readPrediction(config, alphaAt(alphas, at(timesteps, index)));
      const corrected = index === 0 ? SAMPLE : correct(levels, index, orderOf(index - 1, steps), x0);
      const next = extrapolate(levels, index, orderOf(index, steps), x0, corrected);
      return { x0, next, memory: index === 0 ? [corrected, x0] : [corrected, x0, BEFORE] };
    },
  };
}

function orderOf(step: number, steps: number): 1 | 2 {
  return step === 0 || step === steps - 1 ? 1 : 2;
}

function levelOf(abar: number): Level {
  const [alpha, sigma] = [Math.sqrt(abar), Math.sqrt(1 - abar)];
  return { alpha, sigma, lambda: Math.log(alpha / sigma) };
}

/** UniP: the sample at place i + 1 from the corrected one at i and the predictions so far. */
function extrapolate(levels: readonly Level[], i: number, order: number, x0: Terms, corrected: Terms): Terms {
  const [from, to] = [at(levels, i), at(levels, i + 1)];
  const h = to.lambda - from.lambda;
  const gain = -to.alpha * Math.expm1(-h);
  const terms: [number, Terms][] = [
    [to.sigma / from.sigma, corrected],
    [gain, x0],
  ];
  if (order === 2) {
    const ratio = (at(levels, i - 1).lambda - from.lambda) / h;
    terms.push([(gain * 0.5) / ratio, BEFORE], [(-gain * 0.5) / ratio, x0]);
  }
  return sumTerms(...terms);
}

/** UniC: the sample at place i again, from the corrected one at i − 1 and the prediction now known at i. `order`: of the step that led here. */
function correct(levels: readonly Level[], i: number, order: number, x0: Terms): Terms {
  const [from, to] = [at(levels, i - 1), at(levels, i)];
  const h = to.lambda - from.lambda;
  const phi1 = Math.expm1(-h);
  const gain = -to.alpha * phi1;
  const [older, newer] = order === 1 ? [0, 0.5] : cornerWeights(levels, i, h, phi1);
  const terms: [number, Terms][] = [
    [to.sigma / from.sigma, CORRECTED],
    [gain * (1 - newer), BEFORE],
    [gain * newer, x0],
  ];
  if (order === 2) {
    const ratio = (at(levels, i - 2).lambda - from.lambda) / h;
    terms.push([(gain * older) / ratio, TWICE_BEFORE], [(-gain * older) / ratio, BEFORE]);
  }
  return sumTerms(...terms);
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
