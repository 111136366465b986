import { expect, it } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { FolderFiles } from '../../../../cli/folder-files.ts';
import { nodeRuntime } from '../../../../cli/ort.ts';
import type { DeviceMemory } from '../../../../src/protocol/studio-api.ts';
import { createComparing } from '../../../../src/store/actions/compare.ts';
import { createContext } from '../../../../src/store/actions/context.ts';
import type { Models } from '../../../../src/store/actions/models.ts';
import type { Pictures } from '../../../../src/store/actions/pictures.ts';
import { createRunner } from '../../../../src/store/actions/run.ts';
import { createWork } from '../../../../src/store/actions/work.ts';
import { createFrames } from '../../../../src/store/frames.ts';
import { addItems, EMPTY_QUEUE, newItem } from '../../../../src/store/queue.ts';
import { INITIAL_STATE, type StudioState } from '../../../../src/store/state.ts';
import type { Clients } from '../../../../src/worker-client/clients.ts';
import { Engine } from '../../../../workers/engine.ts';
import { gradient, NANO_ID, NANO_MODELS, nanoManifest } from '../../../support/nano.ts';

/** Enough for the small picture, not for the large one. */
const MEMORY: DeviceMemory = { totalBytes: 40e6, programBytes: 0, heapBytes: null, bindingBytes: null };
const PICTURES = { first: gradient(16, 24), large: gradient(100, 100), last: gradient(16, 24) };

it('of a queue, what the device cannot hold fails alone, with what would fit', async () => {
  const engine = new Engine(nodeRuntime, ['cpu'], new FolderFiles(NANO_MODELS), MEMORY);
  const settings = { ...INITIAL_STATE.settings, bundleId: NANO_ID, steps: 1 };
  const items = Object.keys(PICTURES).map((id) => newItem(id, id, 1, settings));
  const store = createStore<StudioState>(() => ({ ...INITIAL_STATE, settings, queue: addItems(EMPTY_QUEUE, items) }));
  const clients: Pick<Clients, 'run'> = {
    run: (lanes, request, onEvent) => engine.run(lanes, request, async (event) => onEvent(event), new AbortController().signal),
  };
  const context = createContext(
    store,
    createFrames(2 ** 20, () => []),
    clients as Clients,
  );
  const models = { manifest: async () => nanoManifest() } as Partial<Models> as Models;
  const pictures = { of: async ({ id }) => PICTURES[id as keyof typeof PICTURES], source: () => null } as Partial<Pictures> as Pictures;
  const runner = createRunner(context, models, pictures, createComparing(context));
  await createWork(context, runner, { keep: () => {}, actions: {} as never }).actions.upscale();
  const { queue } = store.getState();
  expect(queue.items.map(({ status }) => status)).toEqual(['done', 'failed', 'done']);
  expect(queue.items[1]?.failure).toEqual({
    code: 'image-too-large',
    text: expect.stringMatching(/^100×100 at ×4 needs about .* would fit/),
  });
  await engine.dispose();
});
