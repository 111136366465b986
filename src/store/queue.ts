import type { StudioErrorCode } from '../protocol/errors.ts';
import type { Extent } from '../protocol/request.ts';
import type { SettingsState } from './state.ts';

export const ITEM_STATUSES = ['waiting', 'running', 'done', 'failed', 'stopped'] as const;
export type ItemStatus = (typeof ITEM_STATUSES)[number];

export interface ItemFailure {
  readonly code: StudioErrorCode;
  readonly text: string;
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
}

export const EMPTY_QUEUE: QueueState = { items: [], selectedId: null, going: false };

export function newItem(id: string, name: string, sizeBytes: number, settings: SettingsState): QueueItem {
  return { id, name, sizeBytes, size: null, thumbnail: null, settings, status: 'waiting', laneIds: [], failure: null, seen: null };
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

/** The item to run now; none while the queue is paused. */
export function nextItem(queue: QueueState): QueueItem | undefined {
  return queue.going ? waitingItems(queue)[0] : undefined;
}

/** The item whose run a lane belongs to. */
export function itemOfLane({ items }: QueueState, runId: string): QueueItem | undefined {
  return items.find(({ laneIds }) => laneIds.includes(runId));
}

/** Whether there is a result of the item, if only of the steps that it took before it was stopped. */
export function hasResult({ status, laneIds }: QueueItem): boolean {
  return (status === 'done' || status === 'stopped') && laneIds.length > 0;
}

/** Whether other settings would change what becomes of the item; those of a result stay with it. */
export function editable(item: QueueItem): boolean {
  return item.status !== 'running' && !hasResult(item);
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

/** To be run again from the start, with the settings given. */
export function requeueItem(queue: QueueState, id: string, settings: SettingsState): QueueState {
  return changeItem(queue, id, { settings, status: 'waiting', laneIds: [], failure: null });
}

/** The queue after the page was left: what ran waits under its run's ids; what has no file any more is gone, what has no result waits. */
export function restoreQueue(queue: QueueState, has: (key: 'file' | 'result', id: string) => boolean): QueueState {
  const items = queue.items.flatMap((item): readonly QueueItem[] => {
    if (!has('file', item.id)) return [];
    if (item.status === 'running') return [{ ...item, status: 'waiting' }];
    const lost = hasResult(item) && !item.laneIds.every((runId) => has('result', runId));
    return [lost ? { ...item, status: 'waiting', laneIds: [] } : item];
  });
  return { ...queue, items };
}
