import type { Tensor } from '../tensor.ts';
import { ddim, ddpm, spacedDdpm } from './ddpm.ts';
import type { SchedulerConfig } from './schedule.ts';
import { unipc } from './unipc.ts';

/** What one step needs. Tensors share dims. */
export interface StepInput {
  readonly sample: Tensor;
  /** The network's output, in the configuration's `prediction_type`. */
  readonly prediction: Tensor;
  /** Fresh standard normal noise; read by samplers with `usesNoise`. */
  readonly noise: Tensor | null;
}

export interface StepOutput {
  readonly next: Tensor;
  readonly x0: Tensor;
}

/** One run of a sampler over one sample: its steps must be taken in order, each once. */
export interface Sampling {
  /** Descending. */
  readonly timesteps: readonly number[];
  /** Whether a step draws noise. A run draws it at every step, the last included. */
  readonly usesNoise: boolean;
  /** Throws RangeError for an index outside the run, TypeError where noise is missing. */
  step(index: number, input: StepInput): StepOutput;
  /** What later steps need of those taken: with it, and the last sample, another run of the same sampler goes on from there. */
  memory(): readonly Tensor[];
}

/** Where a run that was cut off goes on: steps taken, and what `memory` gave after them. */
export interface SamplingProgress {
  readonly taken: number;
  readonly memory: readonly Tensor[];
}

const START: SamplingProgress = { taken: 0, memory: [] };

type OpenSampling = (config: SchedulerConfig, steps: number, progress: SamplingProgress) => Sampling;

const OPEN = { ddpm, ddim, 'spaced-ddpm': spacedDdpm, unipc } as const satisfies Readonly<Record<string, OpenSampling>>;

/** A run of the named sampler, from its start or from where another stopped. Throws RangeError for a number of steps it cannot take. */
export function openSampling(name: keyof typeof OPEN, config: SchedulerConfig, steps: number, progress = START): Sampling {
  return OPEN[name](config, steps, progress);
}
