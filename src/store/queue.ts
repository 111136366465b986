import type { StudioErrorCode } from '../protocol/errors.ts';
import type { Extent } from '../protocol/request.ts';
import type { SettingsState } from './state.ts';

export const ITEM_STATUSES = ['waiting', 'running', 'done', 'failed', 'stopped'] as const;
export type ItemStatus = (typeof ITEM_STATUSES)[number];

export interface ItemFailure {
  readonly code: StudioErrorCode;
  readonly text: string;
}

/** What an earlier run of an item gave, and what it was run with. */
export interface EarlierResult {
  readonly status: 'done' | 'stopped';
  readonly settings: SettingsState;
  readonly laneIds: readonly string[];
}

/** A picture that was opened, and what is to be made of it. Its file, picture and results are kept elsewhere, by its id and its lanes'. */
export interface QueueItem {
  readonly id: string;
  readonly name: string;
  readonly sizeBytes: number;
  /** Which page or frame of its file it is, from 0. */
  readonly page: number;
  /** Its sides, once they are known. */
  readonly size: Extent | null;
  /** As a data URL; null until it is made, and for a file that shows nothing. */
  readonly thumbnail: string | null;
  /** What it is run with; of one that runs or is done, what it was run with. */
  readonly settings: SettingsState;
  readonly status: ItemStatus;
  /** Its run, from the start on. One that was cut off by a reload runs again under the same ids, and so goes on. */
  readonly laneIds: readonly string[];
  /** The results it has from before, newest first; while it is run again, or after that failed, the first is its result. */
  readonly earlier: readonly EarlierResult[];
  readonly failure: ItemFailure | null;
  /** What the tagger saw in it, and words its model does not know. */
  readonly seen: { readonly tags: readonly string[]; readonly unknownWords: readonly string[] } | null;
}

/** An item that was taken out, and where it stood: kept until it is put back or given up. */
export interface RemovedItem {
  readonly item: QueueItem;
  readonly place: number;
}

/** Results of one picture that are kept: one with each shipped model, and some with other settings. The oldest goes first. */
export const RESULTS_KEPT = 12;

export interface QueueState {
  readonly items: readonly QueueItem[];
  /** What was taken out last. */
  readonly removed: readonly RemovedItem[];
  /** The item in the viewer, whose settings the panel shows. */
  readonly selectedId: string | null;
  /** Whether waiting items are run, one after another. */
  readonly going: boolean;
  /** Items to be run in turn, in the order they were asked for, even where the queue is not going. */
  readonly asked: readonly string[];
  /** Held by the person: nothing begins or goes on, until it is let go. */
  readonly paused: boolean;
}

export const EMPTY_QUEUE: QueueState = { items: [], removed: [], selectedId: null, going: false, asked: [], paused: false };

export function newItem(id: string, name: string, sizeBytes: number, settings: SettingsState, page = 0): QueueItem {
  const unseen = { size: null, thumbnail: null, seen: null };
  return { id, name, sizeBytes, page, ...unseen, settings, status: 'waiting', laneIds: [], earlier: [], failure: null };
}

export function selectedItem({ items, selectedId }: QueueState): QueueItem | undefined {
  return items.find(({ id }) => id === selectedId);
}

export function waitingItems({ items }: QueueState): readonly QueueItem[] {
  return items.filter(({ status }) => status === 'waiting');
}

export function runningItem({ items }: Pick<QueueState, 'items'>): QueueItem | undefined {
  return items.find(({ status }) => status === 'running');
}

/** The item to run now: what was asked for first, else what waits first where the queue is going; none while it is paused. */
export function nextItem(queue: QueueState): QueueItem | undefined {
  if (queue.paused) return undefined;
  const waiting = waitingItems(queue);
  const asked = queue.asked.flatMap((id) => waiting.find((item) => item.id === id) ?? []);
  return asked[0] ?? (queue.going ? waiting[0] : undefined);
}

/** How many items are run without another press. */
export function comingCount(queue: QueueState): number {
  return waitingItems(queue).filter(({ id }) => queue.going || queue.asked.includes(id)).length;
}

/** The item whose run a reload cut off: it goes on under the ids that it has. */
export function cutOffItem(queue: QueueState): QueueItem | undefined {
  return waitingItems(queue).find(({ laneIds }) => laneIds.length > 0);
}

/** The item whose run a lane belongs to, be it the one before. */
export function itemOfLane(queue: QueueState, runId: string): QueueItem | undefined {
  return knownItems(queue).find((item) => keptLanes(item).includes(runId));
}

/** Every item that something is kept of: those that were taken out can be put back. */
export function knownItems({ items, removed }: QueueState): readonly QueueItem[] {
  return [...items, ...removed.map(({ item }) => item)];
}

/** Every run of the item that something is kept of, newest first. */
export function keptLanes({ laneIds, earlier }: QueueItem): readonly string[] {
  return [...new Set([...laneIds, ...earlier.flatMap((result) => result.laneIds)])];
}

/** Whether there is a result of the item: if only of the steps that it took before it was stopped, or from before the run that failed. */
export function hasResult({ status, laneIds }: QueueItem): boolean {
  return (status === 'done' || status === 'stopped' || status === 'failed') && laneIds.length > 0;
}

/** The runs of the result there is of the item, while it is run again of the one from before; none where there is no result. */
export function resultLanes(item: QueueItem): readonly string[] {
  return hasResult(item) ? item.laneIds : (item.earlier[0]?.laneIds ?? []);
}

/** Whether the item's result is of some of its steps only. */
export function isPartial({ status, earlier }: QueueItem): boolean {
  return (status === 'failed' ? earlier[0]?.status : status) === 'stopped';
}

/** Whether other settings would change what becomes of the item; those of a result stay with it. */
export function editable(item: QueueItem): boolean {
  return item.status !== 'running' && !hasResult(item);
}

/** What pictures can have in common: all but the region and the tags, which are one picture's. */
export function sharedSettings({
  region: _,
  tags: __,
  alpha: ___,
  ...shared
}: SettingsState): Omit<SettingsState, 'region' | 'tags' | 'alpha'> {
  return shared;
}

/** Sides of the item's result; null until those of its picture are known. */
export function resultSize({ size, settings: { region, scale } }: QueueItem): Extent | null {
  const input = region ?? size;
  return input === null ? null : { height: input.height * scale, width: input.width * scale };
}

export function addItems(queue: QueueState, added: readonly QueueItem[]): QueueState {
  return { ...queue, items: [...queue.items, ...added] };
}

/** Takes items out. They can be put back until others are taken out. */
export function removeItems(queue: QueueState, ids: readonly string[]): QueueState {
  const removed = queue.items.flatMap((item, place) => (ids.includes(item.id) ? [{ item: ended(item), place }] : []));
  const left = queue.items.filter(({ id }) => !ids.includes(id));
  return { ...queue, items: left, removed, asked: queue.asked.filter((id) => !ids.includes(id)) };
}

/** An item whose run ends with its being taken out, as it was before that run. */
function ended(item: QueueItem): QueueItem {
  const [result, ...earlier] = item.earlier;
  if (item.status !== 'running') return item;
  return result === undefined ? { ...item, status: 'waiting', laneIds: [] } : { ...item, ...result, earlier };
}

/** Puts back what was taken out last, where it stood. */
export function putBack({ removed, ...queue }: QueueState): QueueState {
  const items = [...queue.items];
  for (const { item, place } of removed) items.splice(place, 0, item);
  return { ...queue, items, removed: [] };
}

/** The item `by` places further on, not past an end. */
export function moveItem(queue: QueueState, id: string, by: number): QueueState {
  const from = queue.items.findIndex((item) => item.id === id);
  const item = queue.items[from];
  if (item === undefined) return queue;
  const others = queue.items.filter((other) => other !== item);
  const to = Math.min(others.length, Math.max(0, from + by));
  return { ...queue, items: [...others.slice(0, to), item, ...others.slice(to)] };
}

export function changeItem(queue: QueueState, id: string, changes: Partial<Omit<QueueItem, 'id'>>): QueueState {
  return { ...queue, items: queue.items.map((item) => (item.id === id ? { ...item, ...changes } : item)) };
}

/** Other settings for an item that they would change; a run of it that was cut off is not gone on with. */
export function editItem(queue: QueueState, id: string, settings: SettingsState): QueueState {
  const item = queue.items.find((known) => known.id === id);
  return item !== undefined && editable(item) ? changeItem(queue, id, { settings, laneIds: [] }) : queue;
}

/** To be run again from the start, with the settings given; the results that there are stay. */
export function requeueItem(queue: QueueState, id: string, settings: SettingsState): QueueState {
  const item = queue.items.find((known) => known.id === id);
  const earlier = item === undefined ? [] : [...resultsOf(item), ...item.earlier];
  return changeItem(queue, id, { settings, status: 'waiting', laneIds: [], earlier, failure: null });
}

function resultsOf({ status, settings, laneIds }: QueueItem): readonly EarlierResult[] {
  return (status === 'done' || status === 'stopped') && laneIds.length > 0 ? [{ status, settings, laneIds }] : [];
}

/** A run of the item ended with a result. Of those from before the oldest go where they are too many. */
export function finishItem(queue: QueueState, id: string, status: 'done' | 'stopped'): QueueState {
  const earlier = queue.items.find((item) => item.id === id)?.earlier ?? [];
  return changeItem(queue, id, { status, earlier: earlier.slice(0, RESULTS_KEPT - 1) });
}

/** A run of the item ended without a result: it was stopped, or failed. The latest from before, where there is one, is its result again. */
export function abandonItem(queue: QueueState, id: string, failure: ItemFailure | null): QueueState {
  const [previous, ...earlier] = queue.items.find((item) => item.id === id)?.earlier ?? [];
  const had = previous ?? { status: 'stopped', laneIds: [] };
  return changeItem(queue, id, failure === null ? { ...had, earlier } : { ...had, status: 'failed', failure });
}

/**
 * The queue after the page was left: what ran waits under its run's ids; what has no file any more is gone; what has no result any more
 * waits, but for what failed.
 */
export function restoreQueue(queue: QueueState, has: (key: 'file' | 'result', id: string) => boolean): QueueState {
  const items = queue.items.flatMap((item): readonly QueueItem[] => {
    if (!has('file', item.id)) return [];
    const areKept = (laneIds: readonly string[]): boolean => laneIds.every((runId) => has('result', runId));
    const earlier = item.earlier.filter(({ laneIds }) => areKept(laneIds));
    if (item.status === 'running') return [{ ...item, status: 'waiting', earlier }];
    if (!hasResult(item) || areKept(item.laneIds)) return [{ ...item, earlier }];
    return [{ ...item, status: item.status === 'failed' ? 'failed' : 'waiting', laneIds: [], earlier }];
  });
  return { ...queue, items };
}
