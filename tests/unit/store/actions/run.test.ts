import { describe, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { RunEvent } from '../../../../src/protocol/events.ts';
import { createComparing } from '../../../../src/store/actions/compare.ts';
import { createContext } from '../../../../src/store/actions/context.ts';
import type { Models } from '../../../../src/store/actions/models.ts';
import type { Pictures } from '../../../../src/store/actions/pictures.ts';
import { createRunner } from '../../../../src/store/actions/run.ts';
import { createFrames } from '../../../../src/store/frames.ts';
import { addItems, EMPTY_QUEUE, newItem } from '../../../../src/store/queue.ts';
import { INITIAL_STATE, type StudioState } from '../../../../src/store/state.ts';
import type { Clients } from '../../../../src/worker-client/clients.ts';
import { deferred } from '../../../support/deferred.ts';
import { gradient, nanoManifest } from '../../../support/nano.ts';
import { finishedRun } from '../../../support/records.ts';

/** A runner whose worker tells what it is told to, and is free when it is told so. */
function runnerOf() {
  const item = newItem('a', 'a.png', 1, INITIAL_STATE.settings);
  const store = createStore<StudioState>(() => ({ ...INITIAL_STATE, queue: addItems(EMPTY_QUEUE, [item]) }));
  const over = deferred<void>();
  const begun = deferred<(event: RunEvent) => void>();
  const clients = {
    run: vi.fn<Clients['run']>((_, __, onEvent) => {
      begun.resolve(onEvent);
      return over.promise;
    }),
    cancel: vi.fn(async () => {}),
    pause: vi.fn(async () => {}),
  };
  const context = createContext(
    store,
    createFrames(2 ** 20, () => []),
    clients as Partial<Clients> as Clients,
  );
  const models = { manifest: async () => nanoManifest() } as Partial<Models> as Models;
  const pictures = { of: async () => gradient(8, 8), source: () => null } as Partial<Pictures> as Pictures;
  const runner = createRunner(context, models, pictures, createComparing(context));
  return { runner, item, store, clients, begun: begun.promise, over };
}

describe('a run', () => {
  it('is under way until its worker is free, though its result was told', async () => {
    const { runner, item, store, begun, over } = runnerOf();
    const running = runner.run(item);
    const tell = await begun;
    const { laneIds: [runId = ''] = [] } = store.getState().progress ?? {};
    const { finished } = finishedRun();
    if (finished === null) throw new TypeError('expected a finished run');
    tell({ type: 'done', runId, height: 8, width: 8, ...finished });
    expect(store.getState()).toMatchObject({ progress: { laneIds: [runId] }, runs: [{ finished }] });
    over.resolve();
    expect(await running).toMatchObject([{ runId, finished }]);
    expect(store.getState().progress).toBeNull();
  });

  it('leaves no trace where it gives nothing', async () => {
    const { runner, item, store, begun, over } = runnerOf();
    const running = runner.run(item);
    await begun;
    over.reject(new Error('made to fail'));
    await expect(running).rejects.toThrow('made to fail');
    expect(store.getState()).toMatchObject({ progress: null, runs: [], shownRunId: null });
  });

  it('that was held while it was made ready is held when it begins', async () => {
    const { runner, item, store, clients, begun } = runnerOf();
    void runner.run(item);
    await runner.pause();
    expect(clients.pause).not.toHaveBeenCalled();
    store.setState((before) => ({ queue: { ...before.queue, paused: true } }));
    await begun;
    await vi.waitFor(() => expect(clients.pause).toHaveBeenCalledOnce());
  });

  it('is told twice to end where it is discarded, since the first time leaves it its steps', async () => {
    const { runner, item, store, clients, begun } = runnerOf();
    void runner.run(item);
    await begun;
    await runner.discard();
    expect(clients.cancel).toHaveBeenCalledTimes(2);
    expect(store.getState().progress?.cancelling).toBe(true);
  });

  it('ends at once where it is discarded while it is made ready', async () => {
    const { runner, item, store, clients } = runnerOf();
    const running = runner.run(item);
    await runner.discard();
    await expect(running).rejects.toMatchObject({ name: 'AbortError' });
    expect(clients.run).not.toHaveBeenCalled();
    expect(store.getState().progress).toBeNull();
  });
});
