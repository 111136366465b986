import { isAbort } from '../../protocol/errors.ts';
import {
  abandonItem,
  changeItem,
  cutOffItem,
  finishItem,
  nextItem,
  type QueueItem,
  type QueueState,
  requeueItem,
  runningItem,
  selectedItem,
  waitingItems,
} from '../queue.ts';
import { clearMessages } from '../reduce.ts';
import { type ActionContext, failureOf } from './context.ts';
import type { Runner } from './run.ts';
import type { Saving } from './save.ts';

export interface WorkActions {
  /** Runs all pictures that wait, one after another; where it is one picture, or none waits, the one in the viewer with the panel's settings. */
  upscale(): Promise<void>;
  /** Holds the run under way and begins no other, until `goOn`; nothing while a run is being ended. */
  pause(): Promise<void>;
  /** With what was paused: the run, and the queue where it is going. */
  goOn(): Promise<void>;
  /** Ends the run under way with what it has, once it took a step; asked again, without. No other is begun. */
  cancel(): Promise<void>;
  /** Ends the run under way likewise; the queue goes on with the next. */
  skip(): Promise<void>;
  /**
   * A picture that is over, once more from the start: the one in the viewer with the panel's settings, any other with its own. While another
   * runs, it waits for its turn.
   */
  runAgain(id: string): Promise<void>;
}

/** The one loop that runs pictures. */
export interface Work {
  readonly actions: WorkActions;
  /** Runs an item, if one is named, and then whatever waits while the queue is going. */
  goOn(first?: string): Promise<void>;
}

export function createWork(context: ActionContext, runner: Runner, saving: Saving): Work {
  const { state, set, attempt, fail } = context;
  let working = false;

  async function goOn(first?: string): Promise<void> {
    if (first !== undefined) ask(first);
    if (working) return;
    working = true;
    change({ paused: false });
    try {
      for (let item = nextItem(state().queue); item !== undefined; item = nextItem(state().queue)) await runItem(item);
    } finally {
      working = false;
      // a queue that is held goes on later
      if (!state().queue.paused) change({ going: false });
    }
  }

  /** Has an item run in its turn. */
  function ask(id: string): void {
    const { asked } = state().queue;
    if (!asked.includes(id)) change({ asked: [...asked, id] });
  }

  /** Runs one item to its end, whichever that is: no failure of one stops the others. */
  async function runItem(item: QueueItem): Promise<void> {
    const { queue } = state();
    const asked = queue.asked.filter((id) => id !== item.id);
    change({ ...changeItem(queue, item.id, { status: 'running', failure: null }), asked });
    try {
      const runs = await runner.run(item);
      const stopped = runs.some(({ finished }) => finished?.recipe.stoppedAfter != null);
      change(finishItem(state().queue, item.id, stopped ? 'stopped' : 'done'));
      saving.keep(item.id, runs);
    } catch (error) {
      const { code, text } = failureOf(error);
      change(abandonItem(state().queue, item.id, isAbort(error) ? null : { code, text }));
      // in the queue a failure stands beside its picture
      if (item.id === state().queue.selectedId) fail(error);
    }
  }

  /** Lets go of what is held, then runs what was cut off, and what waits while the queue is going. */
  async function letGo(): Promise<void> {
    change({ paused: false });
    await Promise.all([runner.goOn(), goOn(cutOffItem(state().queue)?.id)]);
  }

  function change(queue: Partial<QueueState>): void {
    set((before) => ({ ...before, queue: { ...before.queue, ...queue } }));
  }

  const actions: WorkActions = {
    upscale: () =>
      attempt(async () => {
        const { queue, picture, settings, manifests } = state();
        const several = queue.items.length > 1 && waitingItems(queue).length > 0;
        const ready = picture.status === 'ready' && manifests[settings.bundleId] !== undefined && runningItem(queue) === undefined;
        const single = ready ? selectedItem(queue) : undefined;
        if (!several && single === undefined) return;
        set(clearMessages);
        if (several) {
          change({ going: true });
          await letGo();
        } else if (single !== undefined) {
          if (single.status !== 'waiting') change(requeueItem(queue, single.id, settings));
          await goOn(single.id);
        }
      }),

    async pause() {
      if (state().progress?.cancelling === true) return;
      change({ paused: true });
      await runner.pause();
    },

    goOn: () => attempt(letGo),

    cancel() {
      change({ going: false, asked: [], paused: false });
      return runner.stop();
    },

    skip: runner.stop,

    runAgain: (id) =>
      attempt(async () => {
        const { queue, settings } = state();
        const item = queue.items.find((known) => known.id === id);
        if (item === undefined || item.status === 'running') return;
        change(requeueItem(queue, id, id === queue.selectedId ? settings : item.settings));
        await goOn(id);
      }),
  };
  return { actions, goOn };
}
