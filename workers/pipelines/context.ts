import type { Backend, RunEvent, Stage } from '../../src/protocol/events.ts';
import type { Manifest, Role } from '../../src/protocol/manifest.ts';
import type { Feeds, Fetches } from '../sessions/runtime.ts';
import type { PromptTokenizer } from './prompt.ts';

type WithoutRunId<E> = E extends RunEvent ? Omit<E, 'runId'> : never;
/** An event before the worker stamps its run on it. */
export type PipelineEvent = WithoutRunId<RunEvent>;

/** What a pipeline is given: a bundle's numbers, its graphs by role, and a way to speak. It knows no backend and no storage. */
export interface PipelineContext {
  readonly manifest: Manifest;
  readonly tokenizer: PromptTokenizer;
  readonly backend: Backend;
  readonly signal: AbortSignal;
  /** Resolves when the listener has taken the event (back-pressure). */
  emit(event: PipelineEvent): Promise<void>;
  /** Runs a role's chain of graphs; feeds it does not declare are left out. Throws AbortError between graphs after a cancel. */
  run(role: Role, feeds: Feeds): Promise<Fetches>;
  /** Starts timing a stage, ends the one before, and tells the listener. */
  stage(stage: Stage): Promise<void>;
}
