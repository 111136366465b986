import { describe, expect, it } from 'vitest';
import { comparableRuns, nameAmong, shownBefore, shownFrameIds, shownLanes, shownSteps } from '../../../src/store/compared.ts';
import { inputFrameId, pictureFrameId, resultFrameId } from '../../../src/store/frames.ts';
import { beginRuns, keepRuns, showRun } from '../../../src/store/reduce.ts';
import { INITIAL_STATE, type RunRecord, type StudioState, shownAfter, shownPartner, shownRun } from '../../../src/store/state.ts';
import { finishedRun, runRecord } from '../../support/records.ts';

/** Two finished pairs of one picture, the newer of two families first, on screen as it ended. */
function twoPairs(): StudioState {
  const pair = (family: string, steps: number): RunRecord[] =>
    ['base', 'rfsr'].map((lane) =>
      finishedRun(
        { runId: `${family}-${lane}`, laneIds: [`${family}-base`, `${family}-rfsr`], bundleTitle: `${family} ${lane}` },
        { steps },
      ),
    );
  const runs = [...pair('pasd', 2), ...pair('diffbir', 3)];
  return showRun({ ...INITIAL_STATE, runs }, 'pasd-rfsr');
}

const against = (state: StudioState, runId: string): StudioState => ({ ...state, view: { ...state.view, against: { runId } } });
const ids = (runs: readonly (RunRecord | undefined)[]): readonly (string | undefined)[] => runs.map((run) => run?.runId);

describe('what is compared', () => {
  it('is base against RFSR once a pair is begun', () => {
    const lanes = ['a', 'b'].map((runId) => runRecord({ runId, laneIds: ['a', 'b'] }));
    const begun = beginRuns({ ...INITIAL_STATE, queue: { ...INITIAL_STATE.queue, selectedId: 'item' } }, lanes);
    expect(ids([shownBefore(begun), shownAfter(begun)])).toEqual(['a', 'b']);
    expect(ids([shownRun(begun), shownPartner(begun)])).toEqual(['a', 'b']);
  });

  it('may be the base alone, with its pair’s steps', () => {
    const state = showRun(twoPairs(), 'pasd-base');
    expect(shownBefore(state)).toBeUndefined();
    expect(ids(shownLanes(state))).toEqual(['pasd-base', 'pasd-rfsr']);
    expect(nameAmong(shownLanes(state), shownAfter(state) as RunRecord, new Map())).toBe('base');
  });

  it('may be any two lanes of any two pairs', () => {
    for (const after of twoPairs().runs) {
      const state = showRun(twoPairs(), after.runId);
      const others = comparableRuns(state.runs, after);
      expect(others).toHaveLength(3);
      for (const { runId } of others) {
        const compared = against(state, runId);
        expect(ids([shownBefore(compared), shownAfter(compared)])).toEqual([runId, after.runId]);
        expect(ids(shownLanes(compared))).toEqual([runId, after.runId]);
      }
    }
  });

  it('has as many steps as the longer of the two', () => {
    expect(shownSteps(twoPairs())).toBe(2);
    expect(shownSteps(against(showRun(twoPairs(), 'pasd-base'), 'diffbir-base'))).toBe(3);
  });

  it('is kept where the frame cache must not let go of it', () => {
    const compared = against(showRun(twoPairs(), 'pasd-rfsr'), 'diffbir-base');
    const state = { ...compared, queue: { ...compared.queue, selectedId: 'item' } };
    const wanted = [pictureFrameId('item'), inputFrameId('pasd-base'), resultFrameId('pasd-rfsr'), resultFrameId('diffbir-base')];
    expect(shownFrameIds(state)).toEqual(expect.arrayContaining(wanted));
    expect(shownFrameIds(state)).not.toContain(resultFrameId('pasd-base'));
  });

  it('is only of one picture and one part of it', () => {
    const [run, ...others] = twoPairs().runs as [RunRecord, ...RunRecord[]];
    expect(comparableRuns([run, ...others.map((other) => ({ ...other, itemId: 'another' }))], run)).toEqual([]);
    const region = { top: 0, left: 0, height: 4, width: 4 };
    expect(comparableRuns([run, ...others.map((other) => ({ ...other, region }))], run)).toEqual([]);
  });

  it('stays in memory, on both sides, as do results that are nowhere else', () => {
    const compared = against(showRun(twoPairs(), 'pasd-base'), 'diffbir-base');
    const others = ['safe', 'unsafe'].map((runId) => finishedRun({ runId, laneIds: [runId], itemId: 'another' }));
    const kept = keepRuns({ ...compared, safe: ['safe', 'pasd-rfsr'], runs: [...others, ...compared.runs] });
    expect(ids(kept.runs)).toEqual(['unsafe', 'pasd-base', 'diffbir-base', 'diffbir-rfsr']);
  });
});
