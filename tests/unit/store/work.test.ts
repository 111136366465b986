import { describe, expect, it } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { ActionContext } from '../../../src/store/actions/context.ts';
import type { Runner } from '../../../src/store/actions/run.ts';
import { createWork } from '../../../src/store/actions/work.ts';
import { addItems, changeItem, EMPTY_QUEUE, newItem } from '../../../src/store/queue.ts';
import { INITIAL_STATE, type StudioState } from '../../../src/store/state.ts';

/** A failed picture and one that waits; whatever runs ends when it is told to. */
function atWork() {
  const waiting = ['failed', 'waiting'].map((id) => newItem(id, id, 1, INITIAL_STATE.settings));
  const queue = changeItem(addItems(EMPTY_QUEUE, waiting), 'failed', { status: 'failed' });
  const store = createStore<StudioState>(() => ({ ...INITIAL_STATE, queue }));
  const context: Pick<ActionContext, 'state' | 'set' | 'attempt' | 'fail'> = {
    state: store.getState,
    set: store.setState,
    attempt: (work) => work(),
    fail: () => {},
  };
  let end = (): void => {};
  const runner: Runner = {
    run: () => new Promise((resolve) => (end = () => resolve([]))),
    stop: async () => {},
    pause: async () => {},
    goOn: async () => {},
  };
  const { actions } = createWork(context as ActionContext, runner, { keep: () => {}, actions: {} as never });
  const statuses = () => store.getState().queue.items.map(({ status }) => status);
  return { actions, statuses, store, end: () => end() };
}

describe('going on after a pause', () => {
  it('goes on with the one picture that was run, and begins no other', async () => {
    const { actions, statuses, end } = atWork();
    const retried = actions.retry('failed');
    await actions.pause();
    await actions.goOn();
    end();
    await retried;
    expect(statuses()).toEqual(['done', 'waiting']);
  });

  it('goes on with the queue where that was going', async () => {
    const { actions, statuses, store, end } = atWork();
    const going = actions.upscale();
    await actions.pause();
    expect(store.getState().queue.going).toBe(false);
    await actions.goOn();
    end();
    await going;
    expect(statuses()).toEqual(['failed', 'done']);
  });
});
