import { changeItem, type QueueItem, runningItem } from '../queue.ts';
import { clearDesk, dropItems, selectItem } from '../reduce.ts';
import { type ActionContext, failureOf } from './context.ts';
import type { Models } from './models.ts';
import type { Pictures } from './pictures.ts';
import type { Results } from './results.ts';
import type { Runner } from './run.ts';

/** What is in the viewer, and what is in the queue at all. */
export interface Desk {
  /** Shows an item with its settings, steps and result. Throws StudioError where its picture cannot be read; the item has failed then. */
  select(id: string): Promise<void>;
  /** The first of the items that can be read; nothing where none can. */
  selectFirst(items: readonly QueueItem[]): Promise<void>;
  /** Takes items out of the queue, with all that is kept of them; a run of one is discarded. */
  forget(ids: readonly string[]): Promise<void>;
}

export function createDesk(context: ActionContext, models: Models, pictures: Pictures, results: Results, runner: Runner): Desk {
  const { state, set, attempt } = context;
  let wantedId: string | null = null;

  async function select(id: string): Promise<void> {
    const item = itemOf(id);
    if (item === undefined) return;
    wantedId = id;
    try {
      const image = await pictures.of(item);
      await results.bring(item);
      const now = itemOf(id);
      // another may have been chosen while this one was read
      if (now !== undefined && wantedId === id) set((before) => selectItem(before, now, image, pictures.source(id)));
    } catch (error) {
      const { code, text } = failureOf(error);
      if (item.status === 'waiting') {
        set((before) => ({ ...before, queue: changeItem(before.queue, id, { status: 'failed', failure: { code, text } }) }));
      }
      throw error;
    }
    // until the models are listed, the item's may be none of them
    const { bundles, settings } = state();
    if (bundles.some(({ id: known }) => known === settings.bundleId))
      await attempt(async () => void (await models.manifestWithPair(settings.bundleId)));
  }

  async function selectFirst(items: readonly QueueItem[]): Promise<void> {
    for (const { id } of items) {
      try {
        return await select(id);
      } catch {
        // told by the item itself
      }
    }
    set(clearDesk);
  }

  function itemOf(id: string): QueueItem | undefined {
    return state().queue.items.find((item) => item.id === id);
  }

  return {
    select,
    selectFirst,

    async forget(ids) {
      const { items, selectedId } = state().queue;
      const running = runningItem(state().queue);
      const place = items.findIndex(({ id }) => id === selectedId);
      const nearest = [...items.slice(place + 1), ...items.slice(0, Math.max(0, place)).reverse()].filter(({ id }) => !ids.includes(id));
      set((before) => dropItems(before, ids));
      for (const id of ids) pictures.forget(id);
      if (running !== undefined && ids.includes(running.id)) void runner.discard();
      if (selectedId !== null && ids.includes(selectedId)) await selectFirst(nearest);
    },
  };
}
