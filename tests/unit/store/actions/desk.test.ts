import { describe, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { StudioError } from '../../../../src/protocol/errors.ts';
import { bareSource } from '../../../../src/protocol/picture-file.ts';
import { createContext } from '../../../../src/store/actions/context.ts';
import { createDesk } from '../../../../src/store/actions/desk.ts';
import type { Models } from '../../../../src/store/actions/models.ts';
import { createOpenActions } from '../../../../src/store/actions/open.ts';
import { createPictures } from '../../../../src/store/actions/pictures.ts';
import { createResults } from '../../../../src/store/actions/results.ts';
import type { Runner } from '../../../../src/store/actions/run.ts';
import { createFrames } from '../../../../src/store/frames.ts';
import { addItems, changeItem, EMPTY_QUEUE, newItem } from '../../../../src/store/queue.ts';
import { changeSettings } from '../../../../src/store/reduce.ts';
import { fileKey } from '../../../../src/store/session.ts';
import { INITIAL_STATE, type StudioState } from '../../../../src/store/state.ts';
import type { Clients } from '../../../../src/worker-client/clients.ts';
import { type Deferred, deferred } from '../../../support/deferred.ts';
import { gradient } from '../../../support/nano.ts';

const SOURCE = bareSource('png');

/** Pictures `a`, `b`, … in the queue, each with its own seed; a file is read when it is told to be, and is broken where it is told so. */
function deskOf(names: string) {
  const frames = createFrames(2 ** 20, () => []);
  const items = [...names].map((name, seed) => newItem(name, name, 1, { ...INITIAL_STATE.settings, seed }));
  const store = createStore<StudioState>(() => ({ ...INITIAL_STATE, queue: addItems(EMPTY_QUEUE, items) }));
  const readers = new Map<string, Deferred<void>>();
  const reader = (name: string): Deferred<void> => {
    const known = readers.get(name) ?? deferred<void>();
    readers.set(name, known);
    // it may be broken before anyone reads it
    known.promise.catch(() => {});
    return known;
  };
  const clients = {
    decode: async (_, name: string) => {
      await reader(name).promise;
      return { image: gradient(8, 8), source: SOURCE };
    },
    inspect: async (_, name: string) => {
      if (name === 'corrupt') throw new StudioError('image-truncated', 'It is cut short.');
      throw new Error('not looked at');
    },
    isPicture: async () => true,
  } as Partial<Clients> as Clients;
  const context = createContext(store, frames, clients);
  for (const name of names) void context.storage.put(fileKey(name), new Blob([name]));
  const pictures = createPictures(context);
  const models = {} as Models;
  const runner = { discard: vi.fn(() => new Promise<never>(() => {})) };
  const desk = createDesk(context, models, pictures, createResults(context, pictures), runner as Partial<Runner> as Runner);
  const { open, add } = createOpenActions(context, models, pictures, desk);
  const shown = () => {
    const { picture, queue, settings } = store.getState();
    return [queue.selectedId, picture.name, picture.status, settings.seed];
  };
  const read = (name: string): void => reader(name).resolve();
  const breakFile = (name: string): void => reader(name).reject(new Error('made to fail'));
  const undoable = () => store.getState().messages.flatMap(({ text, action }) => (action === 'put-back' ? [text] : []));
  return { desk, store, undoable, add, open: (name: string) => open(new Blob([name]), name), shown, read, breakFile, runner };
}

describe('a picture that is chosen', () => {
  it('is the one that all acts on at once, and in the viewer when it is read', async () => {
    const { desk, shown, read } = deskOf('ab');
    const selected = desk.select('b');
    expect(shown()).toEqual(['b', 'b', 'loading', 1]);
    read('b');
    await selected;
    expect(shown()).toEqual(['b', 'b', 'ready', 1]);
  });

  it('gives way to one that is chosen after it, whichever is read first', async () => {
    const { desk, shown, read } = deskOf('ab');
    const both = [desk.select('a'), desk.select('b')];
    read('b');
    await both[1];
    read('a');
    await both[0];
    expect(shown()).toEqual(['b', 'b', 'ready', 1]);
  });

  it('keeps what is changed of its settings while it is read', async () => {
    const { desk, store, shown, read } = deskOf('ab');
    const selected = desk.select('b');
    store.setState((before) => changeSettings(before, { seed: 9 }));
    read('b');
    await selected;
    expect(shown()).toEqual(['b', 'b', 'ready', 9]);
    expect(store.getState().queue.items[1]?.settings.seed).toBe(9);
  });

  it('leaves the viewer empty where it cannot be read, and has failed', async () => {
    const { desk, store, shown, breakFile } = deskOf('ab');
    const selected = desk.select('b');
    breakFile('b');
    await expect(selected).rejects.toThrow();
    expect(shown()).toEqual(['b', '', 'empty', 1]);
    expect(store.getState().queue.items[1]?.status).toBe('failed');
  });
});

describe('a picture that is opened', () => {
  it('is chosen: what was chosen before and is read after it stays away', async () => {
    const { desk, shown, read, open, store } = deskOf('ab');
    const selected = desk.select('b');
    const opened = open('c');
    expect(shown().slice(1, 3)).toEqual(['c', 'loading']);
    read('c');
    await opened;
    read('b');
    await selected;
    expect(shown().slice(1, 3)).toEqual(['c', 'ready']);
    expect(store.getState().queue.selectedId).toBe(store.getState().queue.items[2]?.id);
  });

  it('only joins the queue where another was chosen meanwhile', async () => {
    const { desk, shown, read, open, store } = deskOf('ab');
    const opened = open('c');
    const selected = desk.select('b');
    read('b');
    await selected;
    read('c');
    await opened;
    expect(shown()).toEqual(['b', 'b', 'ready', 1]);
    expect(store.getState().queue.items.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });

  it('is not pushed away by the first that can be read of those from before', async () => {
    const { desk, shown, read, breakFile, open } = deskOf('ab');
    const first = desk.selectFirst([newItem('a', 'a', 1, INITIAL_STATE.settings), newItem('b', 'b', 1, INITIAL_STATE.settings)]);
    const opened = open('c');
    breakFile('a');
    await first;
    read('c');
    await opened;
    expect(shown().slice(1, 3)).toEqual(['c', 'ready']);
  });

  it('gives way to what was shown where it cannot be read, settings for running that again included', async () => {
    const { desk, store, shown, read, breakFile, open } = deskOf('ab');
    store.setState((before) => ({ queue: changeItem(before.queue, 'b', { status: 'running' }) }));
    read('b');
    await desk.select('b');
    store.setState((before) => changeSettings(before, { seed: 9 }));
    const opened = open('c');
    breakFile('c');
    await opened;
    expect(shown()).toEqual(['b', 'b', 'ready', 9]);
  });
});

describe('a picture that is opened beside the only one', () => {
  it('leaves that in the list, with its result', async () => {
    const { store, open, read, desk, shown } = deskOf('a');
    read('a');
    await desk.select('a');
    store.setState((before) => ({ queue: changeItem(before.queue, 'a', { status: 'done', laneIds: ['run'] }) }));
    read('b');
    await open('b');
    expect(shown().slice(1, 3)).toEqual(['b', 'ready']);
    expect(store.getState().queue.items.map(({ name, laneIds }) => [name, laneIds])).toEqual([
      ['a', ['run']],
      ['b', []],
    ]);
  });
});

describe('a picture that is corrupt', () => {
  it('is said to be when it is added, not when it is run', async () => {
    const { add, store, read } = deskOf('a');
    read('fine');
    await add(['fine', 'corrupt'].map((name) => new File(['x'], name)));
    expect(store.getState().queue.items.map(({ name, status, failure }) => [name, status, failure?.code])).toEqual([
      ['a', 'waiting', undefined],
      ['fine', 'waiting', undefined],
      ['corrupt', 'failed', 'image-truncated'],
    ]);
  });
});

describe('a picture that is taken out', () => {
  it('comes back, and into the viewer where that is empty', async () => {
    const { desk, undoable, shown, read } = deskOf('a');
    read('a');
    await desk.select('a');
    await desk.remove(['a']);
    expect(undoable()).toEqual(['“a” was removed.']);
    expect(shown()).toEqual([null, '', 'empty', 0]);
    await desk.putBack();
    expect(shown()).toEqual(['a', 'a', 'ready', 0]);
    expect(undoable()).toEqual([]);
  });

  it('is given up once another is', async () => {
    const { desk, store, undoable, read } = deskOf('ab');
    read('a');
    read('b');
    await desk.select('a');
    await desk.remove(['a']);
    await desk.remove(['b']);
    expect(undoable()).toEqual(['“b” was removed.']);
    await desk.putBack();
    expect(store.getState().queue.items.map(({ id }) => id)).toEqual(['b']);
  });
});

describe('a picture that is taken out while it runs', () => {
  it('is discarded, and the next is shown without waiting for that', async () => {
    const { desk, store, shown, read, runner } = deskOf('ab');
    read('a');
    read('b');
    await desk.select('a');
    store.setState((before) => ({ queue: changeItem(before.queue, 'a', { status: 'running' }) }));
    await desk.remove(['a']);
    expect(runner.discard).toHaveBeenCalledOnce();
    expect(shown()).toEqual(['b', 'b', 'ready', 1]);
  });
});
