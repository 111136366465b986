import { expect, it } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { Image8 } from '../../../../src/protocol/request.ts';
import { createComparing } from '../../../../src/store/actions/compare.ts';
import { createContext } from '../../../../src/store/actions/context.ts';
import { createFrames, stepFrameId } from '../../../../src/store/frames.ts';
import { INITIAL_STATE, type StudioState } from '../../../../src/store/state.ts';
import type { Clients } from '../../../../src/worker-client/clients.ts';
import { gradient } from '../../../support/nano.ts';
import { runRecord } from '../../../support/records.ts';

const STEPS = 5;
const REFERENCE = gradient(8, 8);

it('a reference is given away once, not at every step, and once more to a worker that lost it', async () => {
  const step = { timestep: 0, statistics: null, similarity: null };
  const run = runRecord({ steps: Array.from({ length: STEPS }, () => step) });
  const store = createStore<StudioState>(() => ({
    ...INITIAL_STATE,
    queue: { ...INITIAL_STATE.queue, selectedId: run.itemId },
    runs: [run],
    shownRunId: run.runId,
  }));
  const frames = createFrames(1e6, () => []);
  for (let i = 0; i < STEPS; i++) frames.put(stepFrameId(run.runId, i, 'x0'), gradient(4, 4));
  let [given, held]: [number, Image8 | null] = [0, null];
  const clients = {
    decode: async () => ({ image: REFERENCE, source: null }),
    setReference: async (picture: Image8 | null) => {
      given++;
      held = picture;
    },
    similarity: async () => (held === null ? null : { low: 1, high: 0.5 }),
  } as unknown as Clients;
  const { actions, measureStep } = createComparing(createContext(store, frames, clients));
  await actions.setReference(new File([], 'reference.png'));
  expect(given).toBe(1);
  expect(store.getState().runs[0]?.steps.map(({ similarity }) => similarity?.high)).toEqual(Array(STEPS).fill(0.5));
  held = null;
  await measureStep(run.runId, 0);
  await measureStep(run.runId, 1);
  expect(given).toBe(2);
  await actions.setReference(null);
  expect(held).toBeNull();
});
