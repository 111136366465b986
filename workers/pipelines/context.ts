import type { Arithmetic } from '../../src/core/arithmetic.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import type { Backend, RunEvent, Stage } from '../../src/protocol/events.ts';
import type { Manifest, Role } from '../../src/protocol/manifest.ts';
import type { TileCells } from '../../src/protocol/request.ts';
import type { Feeds, Fetches, Outputs } from '../sessions/runtime.ts';
import type { PromptTokenizer } from './prompt.ts';

type WithoutRunId<E> = E extends RunEvent ? Omit<E, 'runId'> : never;
/** An event before the worker stamps its run on it. */
export type PipelineEvent = WithoutRunId<RunEvent>;

/** Cells a side that a role's pieces may have at most; the bundle's rules alone hold for roles that are not in it. */
export type TileLimits = Map<Role, TileCells>;

/** What a pipeline is given: a bundle's numbers, its graphs by role, and a way to speak. It knows no backend and no storage. */
export interface PipelineContext {
  readonly manifest: Manifest;
  readonly tokenizer: PromptTokenizer;
  /** What the denoiser runs on: another after it was moved on. */
  backend(): Backend;
  readonly signal: AbortSignal;
  /** How large pieces of large pictures may be; shared by all lanes of a run, and lowered when memory does not suffice. */
  readonly tiles: TileLimits;
  /** Milliseconds on the run's clock, which stands still in a pause. */
  now(): number;
  /** Resolves when the listener has taken the event (back-pressure). */
  emit(event: PipelineEvent): Promise<void>;
  /** Runs a role's chain of graphs; feeds it does not declare are left out. Throws AbortError between graphs after a cancel. */
  run(role: Role, feeds: Feeds): Promise<Fetches>;
  /** The same, its outputs left where they were computed; whoever asked frees them. */
  runInPlace(role: Role, feeds: Feeds): Promise<Outputs>;
  /** What computes with tensors where the denoiser runs. */
  arithmetic(): Arithmetic;
  /** Sends a role to the next backend for good, and tells the listener; false where there is none. */
  moveOn(role: Role, reason: string): Promise<boolean>;
  /** Starts timing a stage, ends the one before, and tells the listener. */
  stage(stage: Stage): Promise<void>;
  /** Fires when the person wants what there is: steps end, the last prediction becomes the result. */
  readonly stop: AbortSignal;
  /** Where steps already taken are kept; null where nothing is. */
  readonly checkpoints: RunCheckpoints | null;
}

/** The steps of one run, kept outside of it: after it was cut off, an equal run goes on from there. */
export interface RunCheckpoints {
  /** Whether steps of an equal run are kept. */
  begun(): Promise<boolean>;
  /** What was kept of an equal run, but no more x0 predictions than `x0Bytes` hold, or the last two; null when there is nothing. */
  load(x0Bytes: number): Promise<Checkpoint | null>;
  /** Keeps another step of every lane. Failing to is no failure of the run. */
  save(step: CheckpointStep): Promise<void>;
}

export interface CheckpointStep {
  /** Of each lane: its x0 prediction, its sample after the step, and its sampler's memory. */
  readonly lanes: readonly { readonly x0: Tensor; readonly sample: Tensor; readonly memory: readonly Tensor[] }[];
}

export interface Checkpoint {
  /** Every step's x0 prediction of each lane; null for those that would take too much room, the oldest. */
  readonly x0ByStep: readonly (readonly Tensor[] | null)[];
  /** The last step. */
  readonly last: CheckpointStep;
}
