import sharp from 'sharp';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { loadVips } from '../../../../cli/vips.ts';
import { createContext } from '../../../../src/store/actions/context.ts';
import { createDesk } from '../../../../src/store/actions/desk.ts';
import type { Models } from '../../../../src/store/actions/models.ts';
import { createOpenActions } from '../../../../src/store/actions/open.ts';
import { createPictures } from '../../../../src/store/actions/pictures.ts';
import { createResults } from '../../../../src/store/actions/results.ts';
import type { Runner } from '../../../../src/store/actions/run.ts';
import { createFrames, pictureFrameId } from '../../../../src/store/frames.ts';
import { changeItem } from '../../../../src/store/queue.ts';
import { changeSettings } from '../../../../src/store/reduce.ts';
import { INITIAL_STATE, type StudioState } from '../../../../src/store/state.ts';
import type { Clients } from '../../../../src/worker-client/clients.ts';
import { VipsCodec } from '../../../../workers/imaging/vips-codec.ts';

// it draws on the page's canvas
vi.mock('../../../../src/store/thumbnail.ts', () => ({ thumbnailOf: async () => 'data:seen' }));

const codec = new VipsCodec(loadVips);
let file: Blob;
beforeAll(async () => {
  const frames = ['#ff0000', '#00ff00', '#0000ff'].map((background) => ({ create: { height: 6, width: 8, channels: 3, background } }));
  const pages = sharp(frames as never, { join: { animated: true } });
  file = new Blob([new Uint8Array(await pages.gif().toBuffer())]);
});

function studio() {
  const frames = createFrames(2 ** 20, () => []);
  const store = createStore<StudioState>(() => INITIAL_STATE);
  const clients = {
    decode: async (bytes: ArrayBuffer, name: string, deep?: boolean, page?: number) =>
      codec.decode(new Uint8Array(bytes), name, deep, page),
    inspect: async (blob: Blob, name: string) => codec.inspect(new Uint8Array(await blob.arrayBuffer()), name),
  } as Partial<Clients> as Clients;
  const context = createContext(store, frames, clients);
  const pictures = createPictures(context);
  const desk = createDesk(context, {} as Models, pictures, createResults(context, pictures), {} as Runner);
  const actions = createOpenActions(context, {} as Models, pictures, desk);
  const shown = () => {
    const { picture, queue } = store.getState();
    const rgb = [...(frames.get(pictureFrameId(queue.selectedId ?? ''))?.rgba8.subarray(0, 3) ?? [])];
    return { name: picture.name, status: picture.status, colour: rgb.indexOf(255) };
  };
  const names = () => store.getState().queue.items.map(({ name, page }) => `${name} ${page}`);
  return { store, actions, shown, names };
}

let desk: ReturnType<typeof studio>;
beforeEach(async () => {
  vi.stubGlobal('crossOriginIsolated', true);
  desk = studio();
  await desk.actions.open(file, 'film.gif');
});

describe('a file of several frames', () => {
  it('shows its first, and says how many there are', () => {
    expect(desk.shown()).toEqual({ name: 'film.gif', status: 'ready', colour: 0 });
    expect(desk.store.getState().picture.source?.pages).toBe(3);
    expect(desk.store.getState().messages.map(({ text }) => text)).toContainEqual(expect.stringContaining('3 frames'));
  });

  it('shows another in its place while it has no result, its region and its tags gone', async () => {
    desk.store.setState((before) => changeSettings(before, { region: { top: 0, left: 0, height: 2, width: 2 }, tags: ['red'], seed: 9 }));
    await desk.actions.openPage(2);
    expect(desk.shown()).toEqual({ name: 'film-3.gif', status: 'ready', colour: 2 });
    expect(desk.names()).toEqual(['film-3.gif 2']);
    expect(desk.store.getState().settings).toMatchObject({ region: null, tags: null, seed: 9 });
    await desk.actions.openPage(0);
    expect([desk.shown().name, desk.shown().colour]).toEqual(['film.gif', 0]);
  });

  it('shows another as a picture of its own once there is a result', async () => {
    desk.store.setState((before) => {
      const id = before.queue.selectedId ?? '';
      return { ...before, queue: changeItem(before.queue, id, { status: 'done', laneIds: ['run'] }) };
    });
    await desk.actions.openPage(1);
    expect(desk.names()).toEqual(['film.gif 0', 'film-2.gif 1']);
    expect(desk.shown()).toEqual({ name: 'film-2.gif', status: 'ready', colour: 1 });
  });

  it('gives all it has to the queue, each once, with its sides', async () => {
    await desk.actions.openPage(1);
    await desk.actions.addPages();
    await desk.actions.addPages();
    expect(desk.names()).toEqual(['film-2.gif 1', 'film.gif 0', 'film-3.gif 2']);
    const { items } = desk.store.getState().queue;
    expect(items.map(({ size, thumbnail }) => [size, thumbnail])).toEqual(items.map(() => [{ height: 6, width: 8 }, 'data:seen']));
    expect(desk.shown().name).toBe('film-2.gif');
  });
});
