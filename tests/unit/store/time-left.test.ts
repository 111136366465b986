import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/protocol/events.ts';
import { addItems, EMPTY_QUEUE, newItem } from '../../../src/store/queue.ts';
import { beginRuns, prepareRuns, reduceEvent } from '../../../src/store/reduce.ts';
import { INITIAL_STATE, type SettingsState, type StudioState } from '../../../src/store/state.ts';
import { aboutDuration, queueSecondsLeft, secondsLeft, workOf } from '../../../src/store/time-left.ts';
import { runRecord } from '../../support/records.ts';

/** Work and pace are products and quotients of a few numbers. */
const ROUNDING = 9;

const SETTINGS: SettingsState = { ...INITIAL_STATE.settings, bundleId: 'x', scale: 2, steps: 10, guidance: 1 };

function waiting(...changes: readonly Partial<SettingsState>[]): StudioState {
  const items = changes.map((change, i) => ({
    ...newItem(String(i), `${i}.png`, 1, { ...SETTINGS, ...change }),
    size: { height: 500, width: 1000 },
  }));
  return { ...INITIAL_STATE, queue: addItems(EMPTY_QUEUE, items) };
}

const measured = (state: StudioState): StudioState => ({ ...state, paces: { x: { seconds: 30, work: 10 } } });

describe('the time left of a run', () => {
  const COUNT = 20;
  const step = (index: number, computedSteps: number, seconds: number): RunEvent => ({
    ...{ type: 'step', runId: 'run', index, count: COUNT, timestep: 0, previews: null },
    ...{ computedSteps, elapsedMs: 1000 * seconds },
  });
  const begun = beginRuns(prepareRuns(INITIAL_STATE), [runRecord({ count: COUNT })]);

  it('is that of the steps to come at the pace of those before', () => {
    expect(secondsLeft(begun)).toBeNull();
    expect(secondsLeft([step(0, 1, 3), step(1, 2, 6)].reduce(reduceEvent, begun))).toBe(18 * 3);
  });

  it('after it was cut off is at the pace of those computed since, and unknown before the first', () => {
    const again = Array.from({ length: 10 }, (_, index) => step(index, 0, 0)).reduce(reduceEvent, begun);
    expect(secondsLeft(again)).toBeNull();
    expect(secondsLeft(reduceEvent(again, step(10, 1, 3)))).toBe(9 * 3);
  });
});

describe('the time left', () => {
  it('is unknown until a run of the model has ended', () => {
    expect(queueSecondsLeft(waiting({}))).toBeNull();
    expect(queueSecondsLeft(measured(waiting({}, { bundleId: 'y' })))).toBeNull();
  });

  it('is nothing where nothing waits', () => {
    expect(queueSecondsLeft(waiting())).toBe(0);
  });

  it('is three seconds for each megapixel and pass, measured at that', () => {
    expect(queueSecondsLeft(measured(waiting({})))).toBeCloseTo(3 * 2 * 10, ROUNDING);
  });

  it('is the sum of its parts', () => {
    const parts = [{}, { guidance: 5 }, { steps: 5 }, { compare: true }, { scale: 4 }];
    const sum = parts.reduce((total, part) => total + (queueSecondsLeft(measured(waiting(part))) ?? Number.NaN), 0);
    expect(queueSecondsLeft(measured(waiting(...parts)))).toBeCloseTo(sum, ROUNDING);
    expect(sum).toBeCloseTo(60 * (1 + 2 + 0.5 + 2 + 4), ROUNDING);
  });

  it('counts two passes a step where guidance is above 1, and every lane', () => {
    expect(workOf(1000, 2000, 10, 1, 1)).toBe(20);
    expect(workOf(1000, 2000, 10, 1.5, 2)).toBe(80);
  });

  it.each([
    [3, 'a moment'],
    [11, 'about 20 s'],
    [89, 'about 90 s'],
    [100, 'about 2 min'],
    [3600, 'about 60 min'],
    [8000, 'about 2 h 13 min'],
  ])('of %i seconds is told as %s', (seconds, text) => {
    expect(aboutDuration(seconds)).toBe(text);
  });
});
