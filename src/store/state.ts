import type { StudioErrorCode } from '../protocol/errors.ts';
import type { BandStatistics, Recipe, Stage, StageSeconds } from '../protocol/events.ts';
import type { Manifest } from '../protocol/manifest.ts';
import type { ColorFix, SamplerName, StartPoint } from '../protocol/request.ts';
import type { BundleSummary, DeviceReport } from '../protocol/studio-api.ts';
import type { StepLayer } from './frames.ts';

export interface PictureState {
  readonly status: 'empty' | 'loading' | 'ready';
  readonly name: string;
  readonly height: number;
  readonly width: number;
  /** Grows with each picture opened: a canvas knows by it that pixels changed. */
  readonly version: number;
}

/** What the person asked for. `tags` null: the tagger chooses. */
export interface SettingsState {
  readonly bundleId: string;
  readonly scale: number;
  readonly steps: number;
  readonly guidance: number;
  readonly seed: number;
  readonly sampler: SamplerName;
  readonly startPoint: StartPoint;
  readonly colorFix: ColorFix;
  readonly user: string;
  readonly positive: string;
  readonly negative: string;
  readonly tags: readonly string[] | null;
}

export interface StepInfo {
  readonly timestep: number;
  readonly statistics: BandStatistics | null;
}

/** A run as it goes, or as it went. */
export interface RunRecord {
  readonly runId: string;
  readonly bundleTitle: string;
  readonly seed: number;
  readonly count: number;
  readonly steps: readonly StepInfo[];
  readonly height: number;
  readonly width: number;
  readonly finished: { readonly recipe: Recipe; readonly timings: readonly StageSeconds[]; readonly graphSeconds: number } | null;
}

export interface ProgressState {
  readonly runId: string;
  readonly stage: Stage;
  readonly backend: string;
  readonly download: { readonly loadedBytes: number; readonly totalBytes: number } | null;
  /** Milliseconds since sampling began, at the last step; null before it. */
  readonly elapsedMs: number | null;
  readonly cancelling: boolean;
}

export interface Message {
  readonly id: number;
  readonly kind: 'notice' | 'error';
  readonly text: string;
  readonly code: StudioErrorCode | null;
  readonly details: string;
}

export type ViewMode = 'split' | 'side' | 'blink' | 'difference';

export interface ViewState {
  readonly mode: ViewMode;
  readonly layer: StepLayer;
  /** The step shown instead of the result; null shows the result, or the newest step while running. */
  readonly step: number | null;
  /** Steps whose full decode is in the frame cache, as `runId/index`. */
  readonly decoded: readonly string[];
  readonly playing: boolean;
}

export interface StudioState {
  readonly picture: PictureState;
  readonly settings: SettingsState;
  readonly device: DeviceReport | null;
  readonly bundles: readonly BundleSummary[];
  readonly manifests: Readonly<Record<string, Manifest>>;
  /** Tags of the last run and words its model does not know. */
  readonly seen: { readonly tags: readonly string[]; readonly unknownWords: readonly string[] } | null;
  readonly progress: ProgressState | null;
  /** Newest first, at most RUNS_KEPT; a run under way is the first. */
  readonly runs: readonly RunRecord[];
  readonly shownRunId: string | null;
  readonly view: ViewState;
  readonly messages: readonly Message[];
}

export const RUNS_KEPT = 5;

export const INITIAL_STATE: StudioState = {
  picture: { status: 'empty', name: '', height: 0, width: 0, version: 0 },
  settings: {
    bundleId: 'seesr-mini',
    scale: 4,
    steps: 20,
    guidance: 1,
    seed: 42,
    sampler: 'ddpm',
    startPoint: 'lr',
    colorFix: 'wavelet',
    user: '',
    positive: '',
    negative: '',
    tags: null,
  },
  device: null,
  bundles: [],
  manifests: {},
  seen: null,
  progress: null,
  runs: [],
  shownRunId: null,
  view: { mode: 'split', layer: 'x0', step: null, decoded: [], playing: false },
  messages: [],
};

/** The run on screen. */
export function shownRun({ runs, shownRunId }: StudioState): RunRecord | undefined {
  return runs.find(({ runId }) => runId === shownRunId);
}

/** Seconds the run under way still needs for its steps, from its own pace so far; null while that is unknown. */
export function secondsLeft({ progress, runs }: StudioState): number | null {
  const run = runs.find(({ runId }) => runId === progress?.runId);
  if (progress?.elapsedMs == null || run === undefined || run.steps.length === 0) return null;
  return ((progress.elapsedMs / run.steps.length) * (run.count - run.steps.length)) / 1000;
}
