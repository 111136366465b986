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
  /** Its sides, once they are known. */
  readonly size: Extent | null;
  /** As a data URL; null until it is made, and for a file that shows nothing. */
  readonly thumbnail: string | null;
  /** What it is run with; of one that runs or is done, what it was run with. */
  readonly settings: SettingsState;
  readonly status: ItemStatus;
  /** Its run, from the start on. One that was cut off by a reload runs again under the same ids, and so goes on. */
  readonly laneIds: readonly string[];
  /** The result it has from before, where it is run again: kept until there is another. */
  readonly previous: EarlierResult | null;
  readonly failure: ItemFailure | null;
  /** What the tagger saw in it, and words its model does not know. */
  readonly seen: { readonly tags: readonly string[]; readonly unknownWords: readonly string[] } | null;
}

export interface QueueState {
  readonly items: readonly QueueItem[];
  /** The item in the viewer, whose settings the panel shows. */
  readonly selectedId: string | null;
  /** Whether waiting items are run, one after another. */
  readonly going: boolean;
  /** Held by the person: nothing begins or goes on, until it is let go. */
  readonly paused: boolean;
}

export const EMPTY_QUEUE: QueueState = { items: [], selectedId: null, going: false, paused: false };

export function newItem(id: string, name: string, sizeBytes: number, settings: SettingsState): QueueItem {
  const unseen = { size: null, thumbnail: null, seen: null };
  return { id, name, sizeBytes, ...unseen, settings, status: 'waiting', laneIds: [], previous: null, failure: null };
}

export function selectedItem({ items, selectedId }: QueueState): QueueItem | undefined {
  return items.find(({ id }) => id === selectedId);
}

export function waitingItems({ items }: QueueState): readonly QueueItem[] {
  return items.filter(({ status }) => status === 'waiting');
}

export function runningItem({ items }: QueueState): QueueItem | undefined {
  return items.find(({ status }) => status === 'running');
}

/** The item to run now; none while the queue is paused, or not going. */
export function nextItem(queue: QueueState): QueueItem | undefined {
  return queue.going && !queue.paused ? waitingItems(queue)[0] : undefined;
}

/** The item whose run a reload cut off: it goes on under the ids that it has. */
export function cutOffItem(queue: QueueState): QueueItem | undefined {
  return waitingItems(queue).find(({ laneIds }) => laneIds.length > 0);
}

/** The item whose run a lane belongs to, be it the one before. */
export function itemOfLane({ items }: QueueState, runId: string): QueueItem | undefined {
  return items.find((item) => keptLanes(item).includes(runId));
}

/** Every run of the item that something is kept of. */
export function keptLanes({ laneIds, previous }: QueueItem): readonly string[] {
  return [...new Set([...laneIds, ...(previous?.laneIds ?? [])])];
}

/** Whether there is a result of the item: if only of the steps that it took before it was stopped, or from before the run that failed. */
export function hasResult({ status, laneIds }: QueueItem): boolean {
  return (status === 'done' || status === 'stopped' || status === 'failed') && laneIds.length > 0;
}

/** The runs of the result there is of the item, while it is run again of the one from before; none where there is no result. */
export function resultLanes(item: QueueItem): readonly string[] {
  return hasResult(item) ? item.laneIds : (item.previous?.laneIds ?? []);
}

/** Whether the item's result is of some of its steps only. */
export function isPartial({ status, previous }: QueueItem): boolean {
  return (status === 'failed' ? previous?.status : status) === 'stopped';
}

/** Whether other settings would change what becomes of the item; those of a result stay with it. */
export function editable(item: QueueItem): boolean {
  return item.status !== 'running' && !hasResult(item);
}

/** What pictures can have in common: all but the region and the tags, which are one picture's. */
export function sharedSettings({ region: _, tags: __, ...shared }: SettingsState): Omit<SettingsState, 'region' | 'tags'> {
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

export function removeItems(queue: QueueState, ids: readonly string[]): QueueState {
  return { ...queue, items: queue.items.filter(({ id }) => !ids.includes(id)) };
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

/** To be run again from the start, with the settings given; a result that there is stays until there is another. */
export function requeueItem(queue: QueueState, id: string, settings: SettingsState): QueueState {
  const item = queue.items.find((known) => known.id === id);
  const previous = item === undefined ? null : (item.previous ?? resultOf(item));
  return changeItem(queue, id, { settings, status: 'waiting', laneIds: [], previous, failure: null });
}

function resultOf({ status, settings, laneIds }: QueueItem): EarlierResult | null {
  return (status === 'done' || status === 'stopped') && laneIds.length > 0 ? { status, settings, laneIds } : null;
}

/** A run of the item ended without a result: it was stopped, or failed. The result from before, where there is one, is its result again. */
export function abandonItem(queue: QueueState, id: string, failure: ItemFailure | null): QueueState {
  const previous = queue.items.find((item) => item.id === id)?.previous ?? null;
  const had = previous ?? { status: 'stopped', laneIds: [] };
  return changeItem(queue, id, failure === null ? { ...had, previous: null } : { ...had, status: 'failed', failure });
}

/**
 * The queue after the page was left: what ran waits under its run's ids; what has no file any more is gone; what has no result any more
 * waits, but for what failed.
 */
export function restoreQueue(queue: QueueState, has: (key: 'file' | 'result', id: string) => boolean): QueueState {
  const items = queue.items.flatMap((item): readonly QueueItem[] => {
    if (!has('file', item.id)) return [];
    const areKept = (laneIds: readonly string[]): boolean => laneIds.every((runId) => has('result', runId));
    const previous = item.previous !== null && areKept(item.previous.laneIds) ? item.previous : null;
    if (item.status === 'running') return [{ ...item, status: 'waiting', previous }];
    if (!hasResult(item) || areKept(item.laneIds)) return [{ ...item, previous }];
    return [{ ...item, status: item.status === 'failed' ? 'failed' : 'waiting', laneIds: [], previous }];
  });
  return { ...queue, items };
}
