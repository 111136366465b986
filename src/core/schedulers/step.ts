import { type AnyTensor, arithmeticOf, type SumTerm } from '../arithmetic.ts';

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
export interface StepInput<T extends AnyTensor = AnyTensor> {
  /** Where it lies the step is computed. */
  readonly sample: T;
  /** The network's output, in the configuration's `prediction_type`: [1, …], or [2, …] for the negative prompt and the positive one. */
  readonly prediction: T;
  /** Of two predictions: negative + guidance · (positive − negative). */
  readonly guidance: number;
  /** Null for samplers without `usesNoise`. */
  readonly noise: T | null;
  /** What the step before left; none at the first. */
  readonly memory: readonly T[];
}

export interface StepOutput<T extends AnyTensor = AnyTensor> {
  readonly x0: T;
  readonly next: T;
  /** For the step after: with it, and `next`, another run of the same sampler goes on from here. */
  readonly memory: readonly T[];
}

/** Takes a step. Throws TypeError where noise is missing, RangeError for a memory that is not of the step before. */
export function takeStep<T extends AnyTensor>({ x0, next, memory }: StepCoefficients, input: StepInput<T>): StepOutput<T> {
  // what is computed with lies where the sample does
  const combine = (terms: Terms): T => arithmeticOf(input.sample).sum(termsOf(terms, input)) as T;
  return { x0: combine(x0), next: combine(next), memory: memory.map(combine) };
}

function termsOf(terms: Terms, { sample, prediction, guidance, noise, memory }: StepInput): SumTerm[] {
  const guided = prediction.dims[0] === 2;
  const parts: (readonly [number, AnyTensor | null | undefined, number])[] = [
    [terms.sample, sample, 0],
    [terms.prediction * (guided ? 1 - guidance : 1), prediction, 0],
    [guided ? terms.prediction * guidance : 0, prediction, 1],
    [terms.noise, noise, 0],
    ...terms.memory.map((weight, i) => [weight, memory[i], 0] as const),
  ];
  return parts
    .filter(([weight]) => weight !== 0)
    .map(([weight, found, place]) => ({ weight, tensor: found ?? missing(terms, weight), sample: place }));
}

function missing(terms: Terms, weight: number): never {
  if (weight === terms.noise) throw new TypeError('expected noise for a step that adds some, got none');
  throw new RangeError(`expected what the step before left, ${terms.memory.length} tensors, got fewer`);
}
