import { abandonItem, type QueueItem, runningItem } from '../queue.ts';
import { chooseItem, clearDesk, dropItems, expectPicture, showItem } from '../reduce.ts';
import { INITIAL_STATE } from '../state.ts';
import { type ActionContext, failureOf } from './context.ts';
import type { Models } from './models.ts';
import type { Pictures } from './pictures.ts';
import type { Results } from './results.ts';
import type { Runner } from './run.ts';

/** What is in the viewer, and what is in the queue at all. What was chosen last is shown, whatever is read first. */
export interface Desk {
  /**
   * Chooses an item at once, with its settings; its picture, steps and result are shown when they are read. Throws StudioError where its
   * picture cannot be read; the item has failed then.
   */
  select(id: string): Promise<void>;
  /** The first of the items that can be read, unless another is chosen meanwhile; nothing where none can. */
  selectFirst(items: readonly QueueItem[]): Promise<void>;
  /** Chooses a picture that is to be an item once it is read. */
  expect(item: QueueItem): void;
  /** Whether it is what was chosen last. */
  isChosen(id: string): boolean;
  /** Takes items out of the queue, with all that is kept of them; a run of one is discarded. */
  forget(ids: readonly string[]): Promise<void>;
}

export function createDesk(context: ActionContext, models: Models, pictures: Pictures, results: Results, runner: Runner): Desk {
  const { state, set, attempt } = context;
  /** The selected item, or what is to be it once it is read. */
  let chosenId: string | null = null;

  async function select(id: string): Promise<void> {
    const item = itemOf(id);
    if (item === undefined) return;
    chosenId = id;
    const { queue, picture } = state();
    if (queue.selectedId !== id || picture.status !== 'ready') set((before) => chooseItem(before, item));
    readModel();
    try {
      const image = await pictures.of(item);
      await attempt(() => results.bring(item));
      const now = itemOf(id);
      if (now !== undefined && chosenId === id) set((before) => showItem(before, now, image, pictures.source(id)));
    } catch (error) {
      const { code, text } = failureOf(error);
      if (chosenId === id) set((before) => ({ ...before, picture: INITIAL_STATE.picture }));
      if (itemOf(id)?.status === 'waiting') set((before) => ({ ...before, queue: abandonItem(before.queue, id, { code, text }) }));
      throw error;
    }
  }

  /** Until the models are listed, the panel's may be none of them. */
  function readModel(): void {
    const { bundles, settings } = state();
    if (bundles.some(({ id }) => id === settings.bundleId))
      void attempt(async () => void (await models.manifestWithPair(settings.bundleId)));
  }

  async function selectFirst(items: readonly QueueItem[]): Promise<void> {
    for (const { id } of items) {
      try {
        return await select(id);
      } catch {
        // told by the item itself
        if (chosenId !== id) return;
      }
    }
    chosenId = null;
    set(clearDesk);
  }

  function itemOf(id: string): QueueItem | undefined {
    return state().queue.items.find((item) => item.id === id);
  }

  return {
    select,
    selectFirst,

    expect({ id, name }) {
      chosenId = id;
      set((before) => expectPicture(before, name));
    },

    isChosen: (id) => chosenId === id,

    async forget(ids) {
      const { items } = state().queue;
      const running = runningItem(state().queue);
      const place = items.findIndex(({ id }) => id === chosenId);
      const nearest = [...items.slice(place + 1), ...items.slice(0, Math.max(0, place)).reverse()].filter(({ id }) => !ids.includes(id));
      set((before) => dropItems(before, ids));
      for (const id of ids) pictures.forget(id);
      if (running !== undefined && ids.includes(running.id)) void runner.discard();
      if (chosenId !== null && ids.includes(chosenId)) await selectFirst(nearest);
    },
  };
}
