import type { Tensor } from '../tensor.ts';

/** A sum of what a step has, each part times its number. */
export interface Terms {
  readonly sample: number;
  /** Of the network's output. */
  readonly prediction: number;
  /** Of fresh standard normal noise. */
  readonly noise: number;
  /** Of what the step before left, in its order. */
  readonly memory: readonly number[];
}

/** One step of a sampler in numbers: all it does is linear. */
export interface StepCoefficients {
  readonly x0: Terms;
  readonly next: Terms;
  /** What is left for the step after. */
  readonly memory: readonly Terms[];
}

/** A sampler for one number of steps. */
export interface Sampler {
  /** Descending. */
  readonly timesteps: readonly number[];
  /** Whether a step draws noise. A run draws it at every step, the last included. */
  readonly usesNoise: boolean;
  /** Throws RangeError for an index outside the run. */
  coefficients(index: number): StepCoefficients;
}

const NONE: Terms = { sample: 0, prediction: 0, noise: 0, memory: [] };

export const SAMPLE: Terms = { ...NONE, sample: 1 };
export const PREDICTION: Terms = { ...NONE, prediction: 1 };
export const NOISE: Terms = { ...NONE, noise: 1 };

/** What stands at a place of the memory. */
export function recalled(place: number): Terms {
  return { ...NONE, memory: [...Array<number>(place).fill(0), 1] };
}

/** Σ weight · terms. */
export function sumTerms(...parts: readonly (readonly [weight: number, terms: Terms])[]): Terms {
  const total = (of: (terms: Terms) => number): number => parts.reduce((sum, [weight, terms]) => sum + weight * of(terms), 0);
  const places = Math.max(...parts.map(([, { memory }]) => memory.length));
  return {
    sample: total(({ sample }) => sample),
    prediction: total(({ prediction }) => prediction),
    noise: total(({ noise }) => noise),
    memory: Array.from({ length: places }, (_, i) => total(({ memory }) => memory[i] ?? 0)),
  };
}

/** What one step is taken with. Tensors share dims but for the prediction, whose batch is two under guidance. */
export interface StepInput {
  readonly sample: Tensor;
  /** The network's output, in the configuration's `prediction_type`: [1, …], or [2, …] for the negative prompt and the positive one. */
  readonly prediction: Tensor;
  /** Of two predictions: negative + guidance · (positive − negative). */
  readonly guidance: number;
  /** Null for samplers without `usesNoise`. */
  readonly noise: Tensor | null;
  /** What the step before left; none at the first. */
  readonly memory: readonly Tensor[];
}

export interface StepOutput {
  readonly x0: Tensor;
  readonly next: Tensor;
  /** For the step after: with it, and `next`, another run of the same sampler goes on from here. */
  readonly memory: readonly Tensor[];
}

/** Takes a step. Throws TypeError where noise is missing, RangeError for a memory that is not of the step before. */
export function takeStep({ x0, next, memory }: StepCoefficients, input: StepInput): StepOutput {
  return { x0: combined(x0, input), next: combined(next, input), memory: memory.map((terms) => combined(terms, input)) };
}

function combined(terms: Terms, { sample, prediction, guidance, noise, memory }: StepInput): Tensor {
  const { dims } = sample;
  const count = sample.data.length;
  const [one, other] = [prediction.data.subarray(0, count), prediction.data.subarray(count)];
  const guided = other.length > 0;
  const parts: (readonly [number, Float32Array | undefined, Tensor | null])[] = [
    [terms.sample, sample.data, sample],
    [terms.prediction * (guided ? 1 - guidance : 1), one, null],
    [guided ? terms.prediction * guidance : 0, other, null],
    [terms.noise, noise?.data, noise],
    ...terms.memory.map((weight, i) => [weight, memory[i]?.data, memory[i] ?? null] as const),
  ];
  const used = parts.filter(([weight]) => weight !== 0);
  const [first, ...more] = used;
  if (first !== undefined && more.length === 0 && first[0] === 1 && first[2] !== null) return first[2];
  const weights = used.map(([weight]) => weight);
  const arrays = used.map(([, data], i) => data ?? missing(terms, used[i]?.[0] ?? 0));
  const out = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let part = 0; part < arrays.length; part++) sum += (weights[part] ?? 0) * (arrays[part]?.[i] ?? 0);
    out[i] = sum;
  }
  return { dims, data: out };
}

function missing(terms: Terms, weight: number): never {
  if (weight === terms.noise) throw new TypeError('expected noise for a step that adds some, got none');
  throw new RangeError(`expected what the step before left, ${terms.memory.length} tensors, got fewer`);
}
