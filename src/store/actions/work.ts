import { isAbort } from '../../protocol/errors.ts';
import { abandonItem, changeItem, nextItem, type QueueItem, requeueItem, runningItem, selectedItem, waitingItems } from '../queue.ts';
import type { StudioState } from '../state.ts';
import { type ActionContext, failureOf } from './context.ts';
import type { Runner } from './run.ts';
import type { Saving } from './save.ts';

export interface WorkActions {
  /** Runs all pictures that wait, one after another; where it is one picture, or none waits, the one in the viewer with the panel's settings. */
  upscale(): Promise<void>;
  /** Holds the run under way, and begins no other. */
  pause(): Promise<void>;
  /** With what was paused: the run, and the queue where it was going. */
  goOn(): Promise<void>;
  /** Ends the run under way with what it has, once it took a step; asked again, without. No other is begun. */
  cancel(): Promise<void>;
  /** Ends the run under way likewise; the queue goes on with the next. */
  skip(): Promise<void>;
  /** A picture that failed or was stopped, once more from the start. */
  retry(id: string): Promise<void>;
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
  /** Whether the queue was going when it was paused. */
  let wasGoing = false;

  async function goOn(first?: string): Promise<void> {
    if (working) return;
    working = true;
    try {
      const named = state().queue.items.find(({ id }) => id === first);
      for (let item = named ?? nextItem(state().queue); item !== undefined; item = nextItem(state().queue)) await runItem(item);
    } finally {
      working = false;
      set((before) => setGoing(before, false));
    }
  }

  /** Runs one item to its end, whichever that is: no failure of one stops the others. */
  async function runItem(item: QueueItem): Promise<void> {
    const end = (changes: Partial<QueueItem>): void => set((before) => changed(before, item.id, changes));
    end({ status: 'running', failure: null });
    try {
      const runs = await runner.run(item);
      const stopped = runs.some(({ finished }) => finished?.recipe.stoppedAfter != null);
      end({ status: stopped ? 'stopped' : 'done', previous: null });
      saving.keep(item.id, runs);
    } catch (error) {
      const { code, text } = failureOf(error);
      set((before) => ({ ...before, queue: abandonItem(before.queue, item.id, isAbort(error) ? null : { code, text }) }));
      // in the queue a failure stands beside its picture
      if (item.id === state().queue.selectedId) fail(error);
    }
  }

  const actions: WorkActions = {
    upscale: () =>
      attempt(async () => {
        const { queue, settings, manifests } = state();
        const item = selectedItem(queue);
        set((before) => ({ ...before, messages: [] }));
        if (queue.items.length > 1 && waitingItems(queue).length > 0) {
          set((before) => setGoing(before, true));
          await goOn();
        } else if (item !== undefined && runningItem(queue) === undefined && manifests[settings.bundleId] !== undefined) {
          if (item.status !== 'waiting') set((before) => ({ ...before, queue: requeueItem(before.queue, item.id, settings) }));
          await goOn(item.id);
        }
      }),

    pause: () => {
      wasGoing = state().queue.going;
      set((before) => setGoing(before, false));
      return runner.pause();
    },

    goOn: () => {
      set((before) => setGoing(before, wasGoing));
      return runner.goOn();
    },

    cancel: () => {
      set((before) => setGoing(before, false));
      return runner.stop();
    },

    skip: runner.stop,

    retry: (id) =>
      attempt(async () => {
        const item = state().queue.items.find((known) => known.id === id);
        if (item === undefined || item.status === 'running') return;
        set((before) => ({ ...before, queue: requeueItem(before.queue, id, item.settings) }));
        await goOn(id);
      }),
  };
  return { actions, goOn };
}

function setGoing(state: StudioState, going: boolean): StudioState {
  return state.queue.going === going ? state : { ...state, queue: { ...state.queue, going } };
}

function changed(state: StudioState, id: string, changes: Partial<QueueItem>): StudioState {
  return { ...state, queue: changeItem(state.queue, id, changes) };
}
