import { STUDIO_ERROR_CODES } from '../protocol/errors.ts';
import { STAGES } from '../protocol/events.ts';
import { absentAs, array, type Fail, type Field, integer, literal, nullable, number, object, string } from '../protocol/parse.ts';
import { askedFields, recipeField, regionField, sideField } from '../protocol/recipe.ts';
import { ALPHA_USES, RANGES } from '../protocol/request.ts';
import { ITEM_STATUSES, keptLanes, knownItems, type QueueItem, type QueueState } from './queue.ts';
import type { RunRecord, SettingsState } from './state.ts';

/** What a reload gives back at once; files and results are fetched when they are wanted. */
export interface Session {
  readonly queue: Omit<QueueState, 'removed'>;
  readonly settings: SettingsState;
}

/** A run's record and its steps' pictures; its result is a PNG beside it. */
export interface KeptRun {
  readonly record: RunRecord;
  /** As picture files, by frame id. */
  readonly frames: readonly (readonly [id: string, file: Blob])[];
}

export const SESSION_KEY = 'session';

export function fileKey(itemId: string): string {
  return `file/${itemId}`;
}

export function runKey(runId: string): string {
  return `run/${runId}`;
}

/** Where a run's result is kept, as PNG. */
export function resultKey(runId: string): string {
  return `result/${runId}`;
}

/** Every key that a queue needs. */
export function sessionKeys(queue: QueueState): ReadonlySet<string> {
  const keysOf = (item: QueueItem): string[] => [
    fileKey(item.id),
    ...keptLanes(item).flatMap((runId) => [runKey(runId), resultKey(runId)]),
  ];
  return new Set([SESSION_KEY, ...knownItems(queue).flatMap(keysOf)]);
}

const flag = literal(true, false);

const settings: Field<SettingsState> = object({
  ...askedFields,
  bundleId: string(),
  user: string(),
  positive: string(),
  negative: string(),
  tags: nullable(array(string())),
  alpha: absentAs(null, nullable(literal(...ALPHA_USES))),
  compare: flag,
});

const item: Field<QueueItem> = object({
  id: string(),
  name: string(),
  sizeBytes: integer(),
  page: absentAs(0, integer()),
  size: nullable(object({ height: sideField, width: sideField })),
  thumbnail: nullable(string()),
  settings,
  status: literal(...ITEM_STATUSES),
  laneIds: array(string()),
  earlier: absentAs([], array(object({ status: literal('done', 'stopped'), settings, laneIds: array(string()) }))),
  failure: nullable(object({ code: literal(...STUDIO_ERROR_CODES), text: string() })),
  seen: nullable(object({ tags: array(string()), unknownWords: array(string()) })),
});

const session: Field<Session> = object({
  queue: object({
    items: array(item),
    selectedId: nullable(string()),
    going: flag,
    asked: absentAs([], array(string())),
    paused: absentAs(false, flag),
  }),
  settings,
});

const statistics = object({
  lowEnergy: number(),
  highEnergy: number(),
  lowChange: nullable(number()),
  highChange: nullable(number()),
});

const record: Field<RunRecord> = object({
  runId: string(),
  laneIds: array(string()),
  bundleId: string(),
  bundleTitle: string(),
  itemId: string(),
  pictureName: string(),
  seed: integer(RANGES.seed),
  region: regionField,
  count: integer(RANGES.steps),
  // what it was measured against is not kept, and so neither is the measure
  steps: array(object({ timestep: number(), statistics: nullable(statistics), similarity: () => null })),
  firstStage: flag,
  highGain: absentAs(1, number()),
  rows: integer(),
  height: integer(),
  width: integer(),
  finished: nullable(
    object({ recipe: recipeField, timings: array(object({ stage: literal(...STAGES), seconds: number() })), graphSeconds: number() }),
  ),
});

const frame: Field<readonly [string, Blob]> = (value, path, fail) => {
  const [id, file] = Array.isArray(value) ? value : [];
  return [string()(id, `${path}[0]`, fail), file instanceof Blob ? file : fail(`${path}[1]`, 'a file')];
};

const keptRun: Field<KeptRun> = object({ record, frames: array(frame) });

/** What an earlier page kept; null for what this one cannot read: another version's, or none. */
export function readSession(value: unknown): Session | null {
  return read(session, value);
}

export function readKeptRun(value: unknown): KeptRun | null {
  return read(keptRun, value);
}

const UNREADABLE = Symbol('unreadable');

function read<T>(field: Field<T>, value: unknown): T | null {
  const fail: Fail = () => {
    throw UNREADABLE;
  };
  try {
    return field(value, '', fail);
  } catch (signal) {
    if (signal === UNREADABLE) return null;
    throw signal;
  }
}
