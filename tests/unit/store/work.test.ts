import { describe, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { ActionContext } from '../../../src/store/actions/context.ts';
import type { Runner } from '../../../src/store/actions/run.ts';
import { createWork } from '../../../src/store/actions/work.ts';
import { addItems, changeItem, EMPTY_QUEUE, newItem, type QueueItem } from '../../../src/store/queue.ts';
import { prepareRuns } from '../../../src/store/reduce.ts';
import { INITIAL_STATE, type StudioState, underWay } from '../../../src/store/state.ts';
import { deferred } from '../../support/deferred.ts';
import { nanoManifest } from '../../support/nano.ts';
import { finishedRun, type runRecord } from '../../support/records.ts';

const SETTINGS = INITIAL_STATE.settings;
const ABORT = new DOMException('The run was cancelled.', 'AbortError');

/** Pictures named by their status; whatever runs ends when it is told to, and how. */
function atWork(...names: readonly QueueItem['status'][]) {
  const items = names.map((status): QueueItem => ({ ...newItem(status, status, 1, SETTINGS), status }));
  const picture = { ...INITIAL_STATE.picture, status: 'ready' } as const;
  const manifests = { [SETTINGS.bundleId]: nanoManifest() };
  const store = createStore<StudioState>(() => ({ ...INITIAL_STATE, picture, manifests, queue: addItems(EMPTY_QUEUE, items) }));
  const context: Pick<ActionContext, 'state' | 'set' | 'attempt' | 'fail'> = {
    state: store.getState,
    set: store.setState,
    attempt: (work) => work(),
    fail: () => {},
  };
  const ran: QueueItem[] = [];
  const asked: string[] = [];
  let run = deferred<readonly ReturnType<typeof runRecord>[]>();
  const tell = (what: string) => async (): Promise<void> => void asked.push(what);
  const runner: Runner = {
    async run(item) {
      ran.push(item);
      store.setState(prepareRuns);
      run = deferred();
      return run.promise.finally(() => store.setState({ progress: null }));
    },
    stop: tell('stop'),
    discard: tell('discard'),
    pause: tell('pause'),
    goOn: tell('goOn'),
  };
  const { actions } = createWork(context as ActionContext, runner, { keep: () => {}, actions: {} as never });
  const change = (id: string, changes: Partial<QueueItem>): void =>
    store.setState((before) => ({ queue: changeItem(before.queue, id, changes) }));
  const select = (selectedId: string, settings = SETTINGS): void =>
    store.setState((before) => ({ settings, queue: { ...before.queue, selectedId } }));
  const itemOf = (id: string) => store.getState().queue.items.find((item) => item.id === id);
  const statuses = () => store.getState().queue.items.map(({ status }) => status);
  const end = (): void => run.resolve([finishedRun()]);
  const fail = (error: unknown): void => run.reject(error);
  return {
    actions,
    store,
    change,
    select,
    itemOf,
    statuses,
    ran: () => ran.map(({ id }) => id),
    lastRun: () => ran.at(-1),
    asked,
    end,
    fail,
  };
}

describe('going on after a pause', () => {
  it('goes on with the one picture that was run, and begins no other', async () => {
    const { actions, statuses, end } = atWork('failed', 'waiting');
    const retried = actions.runAgain('failed');
    await actions.pause();
    await actions.goOn();
    end();
    await retried;
    expect(statuses()).toEqual(['done', 'waiting']);
  });

  it('goes on with the queue where that was going', async () => {
    const { actions, statuses, store, end } = atWork('failed', 'waiting');
    const going = actions.upscale();
    await actions.pause();
    expect(store.getState().queue).toMatchObject({ going: true, paused: true });
    await actions.goOn();
    end();
    await going;
    expect(statuses()).toEqual(['failed', 'done']);
    expect(store.getState().queue).toMatchObject({ going: false, paused: false });
  });

  it('begins nothing before, though what ran has ended', async () => {
    const { actions, change, ran, store, end } = atWork('failed', 'waiting');
    change('failed', { status: 'waiting' });
    const going = actions.upscale();
    await actions.pause();
    end();
    await going;
    expect(ran()).toEqual(['failed']);
    expect(underWay(store.getState())).toBe(true);
    const rest = actions.goOn();
    await Promise.resolve();
    end();
    await rest;
    expect(ran()).toEqual(['failed', 'waiting']);
  });

  it('begins with what a reload cut off, though the queue was not going', async () => {
    const { actions, change, ran, store, end } = atWork('failed', 'waiting', 'done');
    change('done', { status: 'waiting', laneIds: ['run'] });
    store.setState((before) => ({ queue: { ...before.queue, paused: true } }));
    expect(underWay(store.getState())).toBe(true);
    const going = actions.goOn();
    await Promise.resolve();
    end();
    await going;
    expect(ran()).toEqual(['done']);
    expect(underWay(store.getState())).toBe(false);
  });
});

describe('a picture that is asked to be run again while another runs', () => {
  it('waits for its turn and then runs, though the queue is not going', async () => {
    const { actions, ran, end, statuses, store } = atWork('failed', 'done', 'waiting');
    const first = actions.runAgain('failed');
    await actions.runAgain('done');
    await actions.runAgain('done');
    expect(ran()).toEqual(['failed']);
    end();
    await vi.waitFor(() => expect(ran()).toEqual(['failed', 'done']));
    end();
    await first;
    expect(ran()).toEqual(['failed', 'done']);
    expect(statuses()).toEqual(['done', 'done', 'waiting']);
    expect(store.getState().queue.asked).toEqual([]);
  });

  it('comes before what waits in a queue that is going', async () => {
    const { actions, ran, end, change } = atWork('failed', 'waiting', 'done');
    change('failed', { status: 'waiting' });
    void actions.upscale();
    await actions.runAgain('done');
    end();
    await vi.waitFor(() => expect(ran()).toEqual(['failed', 'done']));
  });

  it('is not begun where all is cancelled', async () => {
    const { actions, ran, end } = atWork('failed', 'done');
    const first = actions.runAgain('failed');
    await actions.runAgain('done');
    await actions.cancel();
    end();
    await first;
    expect(ran()).toEqual(['failed']);
  });
});

describe('a pause', () => {
  it('is not heard while a run is being ended: it would never end', async () => {
    const { actions, store, asked } = atWork('waiting');
    void actions.runAgain('waiting');
    store.setState(({ progress }) => ({ progress: progress && { ...progress, cancelling: true } }));
    await actions.pause();
    expect(store.getState().queue.paused).toBe(false);
    expect(asked).toEqual([]);
  });

  it('is over once anything is started', async () => {
    const { actions, store } = atWork('failed', 'waiting');
    store.setState((before) => ({ queue: { ...before.queue, paused: true } }));
    void actions.runAgain('failed');
    expect(store.getState().queue.paused).toBe(false);
    await actions.pause();
    await Promise.race([actions.upscale(), Promise.resolve()]);
    expect(store.getState().queue).toMatchObject({ going: true, paused: false });
  });
});

describe('running again', () => {
  const OTHERS = { ...SETTINGS, seed: 7 };

  it('takes the panel’s settings for the picture in the viewer, and its own for any other', () => {
    for (const [selected, seed] of [
      ['done', 7],
      ['waiting', SETTINGS.seed],
    ] as const) {
      const { actions, select, lastRun } = atWork('done', 'waiting');
      select(selected, OTHERS);
      void actions.runAgain('done');
      expect(lastRun()?.settings.seed).toBe(seed);
    }
  });

  it.each([
    ['stopped before its first step', ABORT, 'done'],
    ['failed', new Error('made to fail'), 'failed'],
  ] as const)('leaves the result from before where it %s', async (_, error, status) => {
    const { actions, change, select, itemOf, fail } = atWork('done');
    change('done', { laneIds: ['old'] });
    select('done', OTHERS);
    const again = actions.upscale();
    change('done', { laneIds: ['new'] });
    fail(error);
    await again;
    expect(itemOf('done')).toMatchObject({ status, laneIds: ['old'], settings: SETTINGS });
  });

  it('puts what it gives before the result from before', async () => {
    const { actions, change, select, itemOf, end } = atWork('done');
    change('done', { laneIds: ['old'] });
    select('done', OTHERS);
    const again = actions.upscale();
    change('done', { laneIds: ['new'] });
    end();
    await again;
    expect(itemOf('done')).toMatchObject({ status: 'done', laneIds: ['new'], settings: OTHERS, earlier: [{ laneIds: ['old'] }] });
  });

  it('does nothing while the picture in the viewer is read', async () => {
    const { actions, select, store, ran } = atWork('done');
    select('done');
    store.setState(({ picture }) => ({ picture: { ...picture, status: 'loading' } }));
    await actions.upscale();
    expect(ran()).toEqual([]);
  });
});
