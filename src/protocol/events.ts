import type { StudioErrorCode } from './errors.ts';
import type { Role } from './manifest.ts';
import type { Extent, Image8, RestoreRequest } from './request.ts';

export const BACKENDS = ['webgpu', 'wasm-threads', 'wasm', 'cpu'] as const;
/** `cpu` is onnxruntime-node's; the rest run in the browser. */
export type Backend = (typeof BACKENDS)[number];

export const STAGES = ['load', 'restore', 'tag', 'text', 'encode', 'denoise', 'decode'] as const;
export type Stage = (typeof STAGES)[number];

/** Why something was declined, replaced or degraded. Shown to the person, never silent. */
export const NOTICE_REASONS = [
  'backend-changed',
  'prompt-truncated',
  'alpha-kept',
  'cache-unavailable',
  'steps-unkept',
  'tiles-smaller',
  'run-resumed',
  'network-waits',
] as const;
export type NoticeReason = (typeof NOTICE_REASONS)[number];

/** Of the one-level Haar bands of the x0 preview, RGB in 0…1: mean square per channel sample of each band, and of its change. */
export interface BandStatistics {
  readonly lowEnergy: number;
  readonly highEnergy: number;
  /** Against the step before; null at the first. */
  readonly lowChange: number | null;
  readonly highChange: number | null;
}

/** Views of one step's x0 prediction. `low` is LL / 2, `high` the magnitude of the three detail bands; both are half the preview's size. */
export interface StepPreviews {
  readonly x0: Image8;
  readonly low: Image8;
  readonly high: Image8;
  readonly statistics: BandStatistics;
}

export interface StageSeconds {
  readonly stage: Stage;
  readonly seconds: number;
}

/** What made a picture, enough to make it again. */
export interface Recipe extends Omit<RestoreRequest, 'image' | 'preview'> {
  readonly bundleId: string;
  /** SHA-256 of every graph file by role. */
  readonly graphs: Readonly<Record<string, readonly string[]>>;
  readonly tags: readonly string[];
  readonly positiveText: string;
  readonly negativeText: string;
  readonly backend: Backend;
  readonly bundleTitle: string;
  /** Steps taken when the person stopped the run; null where it went to its end. */
  readonly stoppedAfter: number | null;
}

/** Steps that a finished run took. */
export function stepsTaken({ steps, stoppedAfter }: Recipe): number {
  return stoppedAfter ?? steps;
}

export type RunEvent =
  | { readonly type: 'stage'; readonly runId: string; readonly stage: Stage; readonly backend: Backend }
  | { readonly type: 'download'; readonly runId: string; readonly loadedBytes: number; readonly totalBytes: number }
  | { readonly type: 'tags'; readonly runId: string; readonly tags: readonly string[]; readonly unknownWords: readonly string[] }
  /** A large picture's piece `index` of `count`, about to be computed; row by row. */
  | { readonly type: 'tile'; readonly runId: string; readonly role: Role; readonly index: number; readonly count: number }
  | { readonly type: 'first-stage'; readonly runId: string; readonly image: Image8 }
  | {
      readonly type: 'step';
      readonly runId: string;
      /** 0-based. */
      readonly index: number;
      readonly count: number;
      readonly timestep: number;
      /** Steps that were computed, this one included; 0 for one that is told again after the run was cut off. */
      readonly computedSteps: number;
      /** Milliseconds that those took, pauses not counted. */
      readonly elapsedMs: number;
      readonly previews: StepPreviews | null;
    }
  /** Finished rows of the result, from row `top` of `whole`; told from top to bottom before `done`, and all again where a worker was replaced. */
  | { readonly type: 'rows'; readonly runId: string; readonly top: number; readonly whole: Extent; readonly image: Image8 }
  | {
      readonly type: 'done';
      readonly runId: string;
      readonly height: number;
      readonly width: number;
      readonly timings: readonly StageSeconds[];
      /** Seconds inside graph runs, of the sum of `timings`. */
      readonly graphSeconds: number;
      readonly recipe: Recipe;
    }
  | {
      readonly type: 'notice';
      readonly runId: string;
      readonly reason: NoticeReason;
      /** One sentence for people. */
      readonly message: string;
      readonly code?: StudioErrorCode;
    };
