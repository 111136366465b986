import { describe, expect, it } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { addItems, EMPTY_QUEUE, newItem } from '../../../src/store/queue.ts';
import { keepRates } from '../../../src/store/rates.ts';
import { prepareRuns } from '../../../src/store/reduce.ts';
import { INITIAL_STATE, type StudioState } from '../../../src/store/state.ts';
import { nanoManifest } from '../../support/nano.ts';
import { DEVICE, finishedRun } from '../../support/records.ts';

const STEPS = 4;

/** The rate found by a run that ended after a second, having computed so many of its steps itself. */
function learned(computedSteps: number, stoppedAfter: number | null = null): number | undefined {
  const store = createStore<StudioState>(() => INITIAL_STATE);
  keepRates(store);
  const { finished, ...run } = finishedRun({}, { steps: STEPS, stoppedAfter });
  const item = { ...newItem(run.itemId, 'a.png', 1, INITIAL_STATE.settings), size: { height: 64, width: 64 } };
  const { progress, ...state } = prepareRuns({ ...INITIAL_STATE, device: DEVICE, manifests: { x: nanoManifest() } });
  const running = progress && { ...progress, laneIds: run.laneIds, computedSteps };
  store.setState({ ...state, queue: addItems(EMPTY_QUEUE, [item]), progress: running });
  const ended = finished && { ...finished, timings: [{ stage: 'denoise', seconds: 1 }] as const };
  store.setState({ runs: [{ ...run, finished: ended }], progress: null });
  return store.getState().rates.wasm;
}

describe('the speed of the device', () => {
  it('is learned from a run that computed all that it gave', () => {
    expect(learned(STEPS)).toBeGreaterThan(0);
    expect(learned(2, 2)).toBeGreaterThan(0);
    expect(learned(2, 2)).toBeLessThan(learned(STEPS) ?? 0);
  });

  it('is not learned from one that was cut off, whose seconds are those of its last steps', () => {
    expect(learned(1)).toBeUndefined();
    expect(learned(0, 2)).toBeUndefined();
  });
});
