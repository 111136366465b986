import type { Rates } from '../plan/rates.ts';
import type { StudioErrorCode } from '../protocol/errors.ts';
import type { BandStatistics, Recipe, Stage, StageSeconds } from '../protocol/events.ts';
import type { Manifest } from '../protocol/manifest.ts';
import type { Shelf } from '../protocol/models-api.ts';
import { DEFAULT_SAVE_OPTIONS, type SaveOptions, type SourceInfo } from '../protocol/picture-file.ts';
import type { Mix } from '../protocol/recipe.ts';
import type { AlphaUse, ColorFix, Region, SamplerName, StartPoint, TileCells } from '../protocol/request.ts';
import type { BandSimilarity, BundleSummary, DeviceReport, DifferenceBand } from '../protocol/studio-api.ts';
import type { StepLayer } from './frames.ts';
import { cutOffItem, EMPTY_QUEUE, type QueueState } from './queue.ts';

/** The picture in the viewer: the selected item's. */
export interface PictureState {
  readonly status: 'empty' | 'loading' | 'ready';
  readonly name: string;
  readonly height: number;
  readonly width: number;
  /** What its file said; null while there is none. */
  readonly source: SourceInfo | null;
}

/** What the person asks for. `tags` null: the tagger chooses. */
export interface SettingsState {
  readonly bundleId: string;
  readonly scale: number;
  readonly steps: number;
  readonly guidance: number;
  readonly seed: number;
  readonly sampler: SamplerName;
  readonly startPoint: StartPoint;
  readonly colorFix: ColorFix;
  readonly tileCells: TileCells | null;
  readonly user: string;
  readonly positive: string;
  readonly negative: string;
  readonly tags: readonly string[] | null;
  /** What the picture's alpha is; null as it looks. */
  readonly alpha: AlphaUse | null;
  /** The part of the picture to enlarge, in its pixels; null for all of it. */
  readonly region: Region | null;
  /** Whether the model's base and RFSR versions run together, where there are both. */
  readonly compare: boolean;
}

export interface StepInfo {
  readonly timestep: number;
  readonly statistics: BandStatistics | null;
  /** Against the reference picture; null without one, or until it is computed. */
  readonly similarity: BandSimilarity | null;
}

/** A run as it goes, or as it went. */
export interface RunRecord {
  readonly runId: string;
  /** All that ran together, base before RFSR: this run alone, or a pair. */
  readonly laneIds: readonly string[];
  readonly bundleId: string;
  readonly bundleTitle: string;
  /** Whose it is, and what that item's picture is called. */
  readonly itemId: string;
  readonly pictureName: string;
  readonly seed: number;
  readonly region: Region | null;
  readonly count: number;
  readonly steps: readonly StepInfo[];
  /** Whether the picture of a first stage is kept for it. */
  readonly firstStage: boolean;
  /** What its views of high bands are multiplied by to be seen. */
  readonly highGain: number;
  readonly height: number;
  readonly width: number;
  /** Rows of the result that are here. */
  readonly rows: number;
  readonly finished: { readonly recipe: Recipe; readonly timings: readonly StageSeconds[]; readonly graphSeconds: number } | null;
}

export interface ProgressState {
  /** None while the item's picture and model are made ready. */
  readonly laneIds: readonly string[];
  readonly stage: Stage;
  readonly backend: string;
  readonly download: { readonly loadedBytes: number; readonly totalBytes: number } | null;
  /** Which piece of a large picture is being computed, from 0; null where it is whole. */
  readonly tile: { readonly index: number; readonly count: number } | null;
  /** Steps that were computed, not told again after the run was cut off, and the milliseconds that they took. */
  readonly computedSteps: number;
  readonly elapsedMs: number;
  readonly cancelling: boolean;
}

export interface Message {
  readonly id: number;
  /** What can be done about it with one press. */
  readonly action?: 'put-back' | 'update';
  readonly kind: 'notice' | 'error';
  readonly text: string;
  readonly code: StudioErrorCode | null;
  readonly details: string;
}

export type ViewMode = 'split' | 'side' | 'blink' | 'difference';

/** What the shown result is held against. */
export type Against = 'input' | 'bicubic' | 'first-stage' | 'reference' | { readonly runId: string };

export interface ViewState {
  readonly mode: ViewMode;
  readonly layer: StepLayer;
  /** The step shown instead of the result; null shows the result, or the newest step while running. */
  readonly step: number | null;
  /** Steps whose full decode is in the frame cache, as `runId/index`. */
  readonly decoded: readonly string[];
  readonly playing: boolean;
  /** Whether a drag over the picture draws the region. */
  readonly drawing: boolean;
  readonly difference: { readonly band: DifferenceBand; readonly signed: boolean; readonly gain: number };
  /** What views of high bands are multiplied by; null as each run's own says. */
  readonly highGain: number | null;
  /** Whether the timeline shows what changed since the step before. */
  readonly changes: boolean;
  /** How the finished pair is mixed and shown so; null shows it as it came. */
  readonly mix: Mix | null;
  /** Null: the base for the RFSR run of a pair, else the input. */
  readonly against: Against | null;
}

/** The models of this device, as the page “Models” shows them. */
export interface ShelfState {
  /** Null until they are listed. */
  readonly shelf: Shelf | null;
  /** What is done to a model now, by its id. */
  readonly busy: Readonly<Record<string, ShelfWork>>;
  /** Whether a folder or an address is being looked at. */
  readonly adding: boolean;
  /** What came of what was asked for last; `id`: of the model that it is about, where it is about one. */
  readonly notes: readonly ShelfNote[];
}

export interface ShelfWork {
  readonly what: 'load' | 'check';
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface ShelfNote {
  readonly id: string | null;
  readonly kind: 'notice' | 'error';
  readonly text: string;
}

export interface StudioState {
  readonly picture: PictureState;
  /** What the panel shows: the selected item's, and what pictures to come are run with. */
  readonly settings: SettingsState;
  readonly queue: QueueState;
  /** Name of the folder that results are saved into as they come. */
  readonly folder: string | null;
  /** How results are saved. */
  readonly saveOptions: SaveOptions;
  readonly device: DeviceReport | null;
  /** How fast this device was in finished runs. */
  readonly rates: Rates;
  readonly bundles: readonly BundleSummary[];
  /** Whether the models could not be listed; asked again, they may be. */
  readonly unlisted: boolean;
  readonly manifests: Readonly<Record<string, Manifest>>;
  readonly shelf: ShelfState;
  readonly progress: ProgressState | null;
  /** A picture of what the result of the picture in the viewer should be, to measure steps against. */
  readonly reference: { readonly name: string; readonly itemId: string } | null;
  /**
   * Newest first, a pair's base before its RFSR: those of the picture in the viewer, those under way, and those that are not safe. All others
   * are brought back from where they are kept.
   */
  readonly runs: readonly RunRecord[];
  /** Runs whose results are on disk, or were saved by the person: this page is not the only place that has them. */
  readonly safe: readonly string[];
  /** The run that stands after in the comparison; of a pair its RFSR one, until the base is chosen. */
  readonly shownRunId: string | null;
  /** The run whose steps can still be decoded in full, with its pair's: the latest. */
  readonly decodableRunId: string | null;
  readonly view: ViewState;
  readonly messages: readonly Message[];
}

export const INITIAL_STATE: StudioState = {
  picture: { status: 'empty', name: '', height: 0, width: 0, source: null },
  settings: {
    bundleId: 'seesr-mini',
    scale: 4,
    steps: 20,
    guidance: 1,
    seed: 42,
    sampler: 'ddpm',
    startPoint: 'lr',
    colorFix: 'wavelet',
    tileCells: null,
    user: '',
    positive: '',
    negative: '',
    tags: null,
    alpha: null,
    region: null,
    compare: false,
  },
  queue: EMPTY_QUEUE,
  folder: null,
  saveOptions: DEFAULT_SAVE_OPTIONS,
  device: null,
  rates: {},
  bundles: [],
  unlisted: false,
  manifests: {},
  shelf: { shelf: null, busy: {}, adding: false, notes: [] },
  progress: null,
  reference: null,
  runs: [],
  safe: [],
  shownRunId: null,
  decodableRunId: null,
  view: {
    mode: 'split',
    layer: 'x0',
    step: null,
    decoded: [],
    playing: false,
    drawing: false,
    difference: { band: 'whole', signed: false, gain: 4 },
    highGain: null,
    changes: false,
    mix: null,
    against: null,
  },
  messages: [],
};

/** Whether leaving the page would end or lose something. */
export function unsaved({ progress, runs, safe }: StudioState): boolean {
  return progress !== null || runs.some((run) => isUnsafe(run, safe));
}

/** Whether there is a result of the run, and only here. */
export function isUnsafe({ runId, finished }: RunRecord, safe: readonly string[]): boolean {
  return finished !== null && !safe.includes(runId);
}

/** Whether there is something to hold or to end: a run, the queue, or what was held when the page was left. */
export function underWay({ progress, queue }: StudioState): boolean {
  return progress !== null || queue.going || (queue.paused && cutOffItem(queue) !== undefined);
}

/** The run that stands after in the comparison. */
export function shownAfter({ runs, shownRunId }: StudioState): RunRecord | undefined {
  return runs.find(({ runId }) => runId === shownRunId);
}

/** The run on screen; of a pair the base. */
export function shownRun(state: StudioState): RunRecord | undefined {
  const leadId = shownAfter(state)?.laneIds[0];
  return state.runs.find(({ runId }) => runId === leadId);
}

/** The RFSR run beside the one on screen, if a pair is. */
export function shownPartner(state: StudioState): RunRecord | undefined {
  const partnerId = shownRun(state)?.laneIds[1];
  return state.runs.find(({ runId }) => runId === partnerId);
}

/** The base and RFSR bundles a model belongs to; null where one of them is not here. */
export function pairOf(
  { bundles, manifests }: Pick<StudioState, 'bundles' | 'manifests'>,
  bundleId: string,
): readonly [base: string, rfsr: string] | null {
  const manifest = manifests[bundleId];
  const other = manifest?.pairedWith ?? null;
  if (manifest === undefined || other === null || !bundles.some(({ id }) => id === other)) return null;
  return manifest.variant === 'base' ? [bundleId, other] : [other, bundleId];
}
