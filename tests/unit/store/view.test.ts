import { describe, expect, it } from 'vitest';
import { createStore } from 'zustand/vanilla';
import type { ActionContext } from '../../../src/store/actions/context.ts';
import { createViewActions } from '../../../src/store/actions/view.ts';
import { createFrames, inputFrameId, resultFrameId } from '../../../src/store/frames.ts';
import { INITIAL_STATE, type StudioState } from '../../../src/store/state.ts';
import { gradient } from '../../support/nano.ts';
import { finishedRun } from '../../support/records.ts';

/** A budget for two pictures, the inputs and results of two runs, and nothing in storage. */
function crowded() {
  const frames = createFrames(2 * 4 * 8 * 8, () => []);
  for (const runId of ['old', 'new']) {
    frames.put(inputFrameId(runId), gradient(8, 8));
    frames.put(resultFrameId(runId), gradient(8, 8));
  }
  const runs = ['new', 'old'].map((runId) => finishedRun({ runId, laneIds: [runId], bundleTitle: runId }));
  const store = createStore<StudioState>(() => ({ ...INITIAL_STATE, runs }));
  const context: Pick<ActionContext, 'state' | 'set' | 'frames' | 'attempt'> = {
    state: store.getState,
    set: store.setState,
    frames,
    attempt: (work) => work(),
  };
  const results = { bring: async () => {}, bringInput: async () => {} };
  const actions = createViewActions(context as ActionContext, results, { giveUp: () => {} }, { enlargeInput: async () => {} });
  return { store, actions };
}

describe('a result whose picture made room for newer ones', () => {
  it('is said to be gone when it is shown, and when another is held against it', async () => {
    for (const show of ['showRun', 'holdAgainst'] as const) {
      const { store, actions } = crowded();
      await (show === 'showRun' ? actions.showRun('old') : actions.holdAgainst({ runId: 'old' }));
      expect(store.getState().messages.map(({ text }) => text)).toEqual([expect.stringContaining('“old” made room')]);
    }
  });

  it('is no matter where it is kept', async () => {
    const { store, actions } = crowded();
    await actions.showRun('new');
    expect(store.getState()).toMatchObject({ shownRunId: 'new', messages: [] });
  });
});
