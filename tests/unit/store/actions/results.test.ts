import { unzipSync } from 'fflate';
import sharp from 'sharp';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { loadVips } from '../../../../cli/vips.ts';
import type { Recipe } from '../../../../src/protocol/events.ts';
import { DEFAULT_SAVE_OPTIONS } from '../../../../src/protocol/picture-file.ts';
import { createComparing } from '../../../../src/store/actions/compare.ts';
import { createContext } from '../../../../src/store/actions/context.ts';
import { createPictures } from '../../../../src/store/actions/pictures.ts';
import { createResults } from '../../../../src/store/actions/results.ts';
import { createSaving } from '../../../../src/store/actions/save.ts';
import { createFrames, inputFrameId, resultFrameId, stepFrameId } from '../../../../src/store/frames.ts';
import { addItems, changeItem, EMPTY_QUEUE, newItem, type QueueItem, removeItems, requeueItem } from '../../../../src/store/queue.ts';
import { fileKey, type KeptRun, runKey } from '../../../../src/store/session.ts';
import { INITIAL_STATE, type RunRecord, type StudioState, unsaved } from '../../../../src/store/state.ts';
import type { Clients } from '../../../../src/worker-client/clients.ts';
import { VipsCodec } from '../../../../workers/imaging/vips-codec.ts';
import { softPicture } from '../../../support/charts.ts';
import { maxDifference } from '../../../support/golden.ts';
import { gradient, NANO_ID, nanoRequest } from '../../../support/nano.ts';

/** Levels of 255 that JPEG may change of soft shapes at the quality steps are kept with. */
const LOSS = 8;

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
    highGain: 1,
    height: RESULT.height,
    width: RESULT.width,
    rows: RESULT.height,
    finished: { recipe: RECIPE, timings: [], graphSeconds: 0 },
  };
}

/** The store's own parts over a frame cache that holds one result, with the real codec where the page has a worker; nothing outlives the test. */
function studio(budgetBytes = RESULT.rgba8.byteLength) {
  const frames = createFrames(budgetBytes, () => []);
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

  async function keepPicture(id: string): Promise<void> {
    const picture = { image: gradient(8, 12), source: null, options: DEFAULT_SAVE_OPTIONS, texts: {} };
    await context.storage.put(fileKey(id), await codec.encode(picture));
  }

  const zipped = async () => Object.keys(unzipSync(new Uint8Array((await (await actions.saveAll())?.blob.arrayBuffer()) ?? [])));
  // that nothing outlives the test is said too
  const said = () =>
    store
      .getState()
      .messages.map(({ code }) => code)
      .filter((code) => code !== null && code !== 'storage-denied');
  return { store, frames, context, pictures, results, actions, keep, finish, keepPicture, zipped, said, encoder };
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
    await desk.keepPicture('a');
    await desk.results.bring(item as QueueItem);
    expect(desk.frames.get(resultFrameId(a.runId))?.rgba8).toEqual(RESULT.rgba8);
  });

  it('is kept with the pictures of its steps as files that are a fraction of them, and comes back with them', async () => {
    const step = softPicture(256, 256);
    const desk = studio(4 * step.rgba8.byteLength);
    // as a browser with room
    const kept = new Map<string, unknown>();
    desk.context.storage.put = async (key, value) => Boolean(kept.set(key, value));
    desk.context.storage.get = async (key) => kept.get(key);
    const run = desk.finish('a');
    const id = stepFrameId(run.runId, 0, 'x0');
    desk.frames.put(id, step);
    desk.frames.put(stepFrameId(run.runId, 0, 'x0', true), step);
    await desk.keepPicture('a');
    desk.keep('a', [run]);
    await desk.zipped();
    const files = (kept.get(runKey(run.runId)) as KeptRun).frames;
    expect(files.map(([name]) => name)).toEqual([id]);
    expect(files[0]?.[1].size).toBeLessThan(step.rgba8.byteLength / 10);
    desk.context.set((before) => ({ ...before, runs: [] }));
    await desk.results.bring(desk.store.getState().queue.items[0] as QueueItem);
    expect(desk.store.getState().runs).toEqual([run]);
    await vi.waitFor(() => expect(maxDifference(desk.frames.get(id)?.rgba8 ?? [], step.rgba8)).toBeLessThan(LOSS), 20_000);
  });

  it('stays while its picture is run again, also where it could not be written', async () => {
    const a = desk.finish('a');
    desk.encoder.broken = true;
    desk.keep('a', [a]);
    await desk.zipped();
    desk.encoder.broken = false;
    const { settings } = INITIAL_STATE;
    desk.store.setState((before) => ({ ...before, runs: [], queue: requeueItem(before.queue, 'a', settings) }));
    desk.keep('b', [desk.finish('b')]);
    await desk.zipped();
    desk.frames.drop(a.runId);
    await desk.keepPicture('a');
    await desk.results.bring(desk.store.getState().queue.items[0] as QueueItem);
    expect(desk.store.getState().runs).toContainEqual(a);
    expect(desk.frames.get(resultFrameId(a.runId))?.rgba8).toEqual(RESULT.rgba8);
  });

  it('is not kept where its picture was taken out meanwhile', async () => {
    const run = desk.finish('a');
    desk.results.hold(run);
    desk.store.setState((before) => ({ ...before, queue: { ...removeItems(before.queue, ['a']), removed: [] } }));
    await desk.results.store(run);
    expect(await desk.results.png(run.runId)).toBeNull();
  });

  it('that is here although its input had to make room gets it again, and what shows it sees that', async () => {
    const run = desk.finish('a');
    await desk.keepPicture('a');
    await desk.results.bring(desk.store.getState().queue.items[0] as QueueItem);
    expect(desk.frames.get(inputFrameId(run.runId))?.rgba8).toEqual(gradient(8, 12).rgba8);
    expect(desk.store.getState().runs).toEqual([run]);
    expect(desk.store.getState().runs[0]).not.toBe(run);
  });

  it('comes back whole where the cache has no room for all of it at once', async () => {
    const run = desk.finish('a');
    await desk.keepPicture('a');
    desk.keep('a', [run]);
    await desk.zipped();
    desk.frames.drop(run.runId);
    await desk.results.bring(desk.store.getState().queue.items[0] as QueueItem);
    expect(desk.frames.get(inputFrameId(run.runId))).toBeDefined();
    expect(desk.frames.get(resultFrameId(run.runId))).toBeDefined();
  });

  it('is listed beside the earlier ones of its picture, and each can be shown', async () => {
    const desk = studio(16 * RESULT.rgba8.byteLength);
    const kept = new Map<string, unknown>();
    desk.context.storage.put = async (key, value) => Boolean(kept.set(key, value));
    desk.context.storage.get = async (key) => kept.get(key);
    const [old, latest] = [desk.finish('a'), { ...runOf('a'), runId: 'latest', laneIds: ['latest'] }];
    await desk.keepPicture('a');
    desk.keep('a', [old]);
    await desk.zipped();
    desk.context.set((before) => {
      const queue = changeItem(requeueItem(before.queue, 'a', INITIAL_STATE.settings), 'a', { status: 'done', laneIds: ['latest'] });
      return { ...before, queue, runs: [latest, ...before.runs] };
    });
    desk.frames.putRows(resultFrameId('latest'), RESULT, 0, RESULT);
    desk.keep('a', [latest]);
    await desk.zipped();
    expect(unsaved(desk.store.getState())).toBe(false);
    desk.context.set((before) => ({ ...before, runs: [] }));
    const item = desk.store.getState().queue.items[0] as QueueItem;
    await desk.results.bring(item);
    expect(desk.store.getState().runs).toEqual([latest, old]);
    expect(desk.frames.get(resultFrameId(old.runId))).toBeUndefined();
    await desk.results.bring(item, old.laneIds);
    expect(desk.frames.get(resultFrameId(old.runId))?.rgba8).toEqual(RESULT.rgba8);
  });

  it('is not safe before it is written, and leaving the page asks', async () => {
    const run = desk.finish('a');
    expect(unsaved(desk.store.getState())).toBe(true);
    expect((await desk.actions.download('result'))?.name).toBe('a-24x16.png');
    expect(unsaved(desk.store.getState())).toBe(false);
    expect(desk.store.getState().safe).toEqual([run.runId]);
  });

  it('is held without its steps where the browser keeps nothing', async () => {
    const desk = studio(2 ** 20);
    const run = desk.finish('a');
    desk.frames.put(stepFrameId(run.runId, 0, 'x0'), RESULT);
    desk.keep('a', [run]);
    expect(await desk.zipped()).toEqual(['a-24x16.png']);
    expect(await desk.context.storage.get(runKey(run.runId))).toEqual({ record: run, frames: [] });
  });
});

describe('a saved file', () => {
  const options = (changes: Partial<StudioState['saveOptions']>): void =>
    desk.store.setState((before) => ({ ...before, saveOptions: { ...before.saveOptions, ...changes } }));

  async function located(blob: Blob | undefined): Promise<boolean | undefined> {
    return blob && (await codec.decode(new Uint8Array(await blob.arrayBuffer()), 'saved')).source.located;
  }

  it('tells where its picture was taken only where that is asked for, as it is kept here', async () => {
    const run = desk.finish('a');
    const taken = await sharp({ create: { height: 8, width: 12, channels: 3, background: '#445566' } })
      .withExif({ IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '48/1 51/1 30/1' } })
      .jpeg()
      .toBuffer();
    const [item] = desk.store.getState().queue.items;
    if (item === undefined) throw new Error('expected an item');
    await desk.pictures.decode(item, new Blob([new Uint8Array(taken)]));
    desk.keep(run.itemId, [run]);
    await desk.zipped();
    expect(await located((await desk.results.png(run.runId)) ?? undefined)).toBe(true);
    expect(await located((await desk.actions.download('result'))?.blob)).toBe(false);
    options({ location: 'keep' });
    expect(await located((await desk.actions.download('result'))?.blob)).toBe(true);
  });

  it('asks what shows through where it is a JPEG of something see-through, until that is said', () => {
    const run = desk.finish('a');
    expect(desk.actions.asksBackground('result')).toBe(false);
    options({ format: 'jpeg' });
    expect(desk.actions.asksBackground('result')).toBe(false);
    const clear = { ...RESULT, rgba8: RESULT.rgba8.slice().fill(0, 0, 8) };
    desk.frames.put(resultFrameId(run.runId), clear);
    expect(desk.actions.asksBackground('result')).toBe(true);
    options({ background: '#000000' });
    expect(desk.actions.asksBackground('result')).toBe(false);
  });
});
