import { unzipSync } from 'fflate';
import { beforeEach, describe, expect, it } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { loadVips } from '../../../../cli/vips.ts';
import type { Recipe } from '../../../../src/protocol/events.ts';
import { DEFAULT_SAVE_OPTIONS } from '../../../../src/protocol/picture-file.ts';
import { createComparing } from '../../../../src/store/actions/compare.ts';
import { createContext } from '../../../../src/store/actions/context.ts';
import { createPictures } from '../../../../src/store/actions/pictures.ts';
import { createResults } from '../../../../src/store/actions/results.ts';
import { createSaving } from '../../../../src/store/actions/save.ts';
import { createFrames, resultFrameId } from '../../../../src/store/frames.ts';
import { addItems, changeItem, EMPTY_QUEUE, newItem, type QueueItem } from '../../../../src/store/queue.ts';
import { fileKey } from '../../../../src/store/session.ts';
import { INITIAL_STATE, type RunRecord, type StudioState } from '../../../../src/store/state.ts';
import type { Clients } from '../../../../src/worker-client/clients.ts';
import { VipsCodec } from '../../../../workers/imaging/vips-codec.ts';
import { gradient, NANO_ID, nanoRequest } from '../../../support/nano.ts';

const codec = new VipsCodec(loadVips);
const RESULT = gradient(16, 24);
const { image: _, preview: __, ...asked } = nanoRequest({ scale: 2 });
const RECIPE: Recipe = {
  ...asked,
  bundleId: NANO_ID,
  graphs: {},
  tags: [],
  positiveText: '',
  negativeText: '',
  backend: 'cpu',
  bundleTitle: 'Nano',
  stoppedAfter: null,
};

function runOf(id: string): RunRecord {
  return {
    runId: `run-${id}`,
    laneIds: [`run-${id}`],
    bundleId: NANO_ID,
    bundleTitle: 'Nano',
    itemId: id,
    pictureName: `${id}.png`,
    seed: 7,
    region: null,
    count: 1,
    steps: [{ timestep: 1, statistics: null, similarity: null }],
    firstStage: false,
    height: RESULT.height,
    width: RESULT.width,
    rows: RESULT.height,
    finished: { recipe: RECIPE, timings: [], graphSeconds: 0 },
  };
}

/** The store's own parts over a frame cache that holds one result, with the real codec where the page has a worker; nothing outlives the test. */
function studio() {
  const frames = createFrames(RESULT.rgba8.byteLength);
  const store = createStore<StudioState>(() => ({ ...INITIAL_STATE, queue: EMPTY_QUEUE }));
  const encoder = { broken: false };
  const clients = {
    decode: async (bytes: ArrayBuffer, name: string) => codec.decode(new Uint8Array(bytes), name),
    encode: async (picture) => (encoder.broken ? Promise.reject(new Error('made to fail')) : codec.encode(picture)),
    texts: async () => ({}),
  } as Partial<Clients> as Clients;
  const context = createContext(store, frames, clients);
  const pictures = createPictures(context);
  const results = createResults(context, pictures);
  const { actions, keep } = createSaving(context, pictures, results, createComparing(context).actions);

  /** An item whose run just ended. */
  function finish(id: string): RunRecord {
    const run = runOf(id);
    const item: QueueItem = { ...newItem(id, `${id}.png`, 1, { ...INITIAL_STATE.settings, scale: 2 }), size: { height: 8, width: 12 } };
    store.setState((before) => ({
      ...before,
      queue: changeItem(addItems(before.queue, [item]), id, { status: 'done', laneIds: run.laneIds }),
      runs: [run, ...before.runs],
      shownRunId: run.runId,
    }));
    frames.putRows(resultFrameId(run.runId), RESULT, 0, RESULT);
    return run;
  }

  const zipped = async () => Object.keys(unzipSync(new Uint8Array((await (await actions.saveAll())?.blob.arrayBuffer()) ?? [])));
  const said = () =>
    store
      .getState()
      .messages.map(({ code }) => code)
      .filter((code) => code !== null);
  return { store, frames, context, results, actions, keep, finish, zipped, said, encoder };
}

let desk: ReturnType<typeof studio>;
beforeEach(() => {
  desk = studio();
});

describe('a finished result', () => {
  it('is kept although the frame cache has no room for it before it is written', async () => {
    const runs = ['a', 'b', 'c'].map((id) => desk.finish(id));
    for (const run of runs) desk.keep(run.itemId, [run]);
    desk.context.set((before) => ({ ...before, runs: [] }));
    expect(await desk.zipped()).toEqual(['a-24x16.png', 'b-24x16.png', 'c-24x16.png']);
    expect(desk.said()).toEqual([]);
  });

  it('that the cache let go of is downloaded as it was kept', async () => {
    const [a, b] = [desk.finish('a'), desk.finish('b')];
    for (const run of [a, b]) desk.keep(run.itemId, [run]);
    await desk.zipped();
    desk.frames.drop(a.runId);
    desk.context.set((before) => ({ ...before, shownRunId: a.runId }));
    expect((await desk.actions.download('result'))?.blob.size).toBe((await desk.results.png(a.runId))?.size);
    expect(desk.said()).toEqual([]);
  });

  it('that is nowhere any more is said to be, and how it comes back', async () => {
    const run = desk.finish('a');
    desk.frames.drop(run.runId);
    expect(await desk.actions.download('result')).toBeNull();
    expect(desk.said()).toEqual(['storage-lost']);
  });

  it('that cannot be written is said to be, stays in memory, and can be shown and saved later', async () => {
    const [a, b] = [desk.finish('a'), desk.finish('b')];
    desk.encoder.broken = true;
    desk.keep('a', [a]);
    await desk.actions.saveAll();
    expect(desk.said()).toContain('output-unwritable');
    desk.encoder.broken = false;
    desk.keep('b', [b]);
    desk.frames.drop('run');
    expect(await desk.zipped()).toEqual(['a-24x16.png', 'b-24x16.png']);
    const [item] = desk.store.getState().queue.items;
    const picture = { image: gradient(8, 12), source: null, options: DEFAULT_SAVE_OPTIONS, texts: {} };
    await desk.context.storage.put(fileKey('a'), await codec.encode(picture));
    await desk.results.bring(item as QueueItem);
    expect(desk.frames.get(resultFrameId(a.runId))?.rgba8).toEqual(RESULT.rgba8);
  });
});
