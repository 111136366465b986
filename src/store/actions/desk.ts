import { abandonItem, putBack, type QueueItem, runningItem } from '../queue.ts';
import { addMessage, chooseItem, clearDesk, dropItems, expectPicture, giveUpRemoved, showItem } from '../reduce.ts';
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
  /** Takes items out of the queue, a run of one ends. They can be put back until others are taken out, or they are given up. */
  remove(ids: readonly string[]): Promise<void>;
  /** Puts back what was taken out last. */
  putBack(): Promise<void>;
  /** Lets go of all that is kept of what was taken out last. */
  giveUp(): void;
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
      if (now === undefined || chosenId !== id) return;
      const left = queue.selectedId;
      set((before) => showItem(before, now, image, pictures.source(id)));
      if (left !== null && left !== id) pictures.let(left);
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

  function giveUp(): void {
    for (const { item } of state().queue.removed) pictures.forget(item.id);
    set(giveUpRemoved);
  }

  return {
    select,
    selectFirst,

    expect({ id, name }) {
      chosenId = id;
      set((before) => expectPicture(before, name));
    },

    isChosen: (id) => chosenId === id,

    async remove(ids) {
      const { items } = state().queue;
      const taken = items.filter(({ id }) => ids.includes(id));
      if (taken.length === 0) return;
      giveUp();
      const running = runningItem(state().queue);
      const place = items.findIndex(({ id }) => id === chosenId);
      const nearest = [...items.slice(place + 1), ...items.slice(0, Math.max(0, place)).reverse()].filter(({ id }) => !ids.includes(id));
      const text = taken.length === 1 ? `“${taken[0]?.name}” was removed.` : `${taken.length} pictures were removed.`;
      set((before) => addMessage(dropItems(before, ids), { kind: 'notice', text, code: null, details: 'removed', action: 'put-back' }));
      for (const id of ids) pictures.let(id);
      if (running !== undefined && ids.includes(running.id)) void runner.discard();
      if (chosenId !== null && ids.includes(chosenId)) await selectFirst(nearest);
    },

    async putBack() {
      const { removed, selectedId } = state().queue;
      set((before) => {
        const messages = before.messages.filter(({ action }) => action !== 'put-back');
        return { ...before, messages, queue: putBack(before.queue) };
      });
      const [first] = removed;
      if (first !== undefined && selectedId === null) await select(first.item.id);
    },

    giveUp,
  };
}
