import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/protocol/events.ts';
import { addItems, changeItem, EMPTY_QUEUE, newItem, type QueueItem } from '../../../src/store/queue.ts';
import { beginRuns, prepareRuns, reduceEvent } from '../../../src/store/reduce.ts';
import { INITIAL_STATE, type StudioState } from '../../../src/store/state.ts';
import { queueSecondsLeft, secondsLeft } from '../../../src/store/time-left.ts';
import { DEVICE, runRecord } from '../../support/records.ts';

const COUNT = 20;
const begun = (state: StudioState): StudioState => beginRuns(prepareRuns(state), [runRecord({ count: COUNT })]);

/** The event of a step, so many having been computed at three seconds each. */
function step(index: number, computedSteps: number): RunEvent {
  const [timestep, elapsedMs] = [0, 3000 * computedSteps];
  return { type: 'step', runId: 'run', index, count: COUNT, timestep, computedSteps, elapsedMs, previews: null };
}

/** The first steps of a run that was cut off, told again. */
const AGAIN = Array.from({ length: 10 }, (_, index) => step(index, 0));

describe('the time left of a run', () => {
  it('is that of the steps to come at the pace of those before', () => {
    expect(secondsLeft(begun(INITIAL_STATE))).toBeNull();
    expect(secondsLeft([step(0, 1), step(1, 2)].reduce(reduceEvent, begun(INITIAL_STATE)))).toBe(18 * 3);
  });

  it('after it was cut off is at the pace of those computed since, and unknown before the first', () => {
    const again = AGAIN.reduce(reduceEvent, begun(INITIAL_STATE));
    expect(secondsLeft(again)).toBeNull();
    expect(secondsLeft(reduceEvent(again, step(10, 1)))).toBe(9 * 3);
  });
});

describe('the time left of the queue', () => {
  /** A device of two multiply-accumulates a second, and the items a, b, …, which wait. */
  function waiting(names: string, rates: StudioState['rates'] = { wasm: 2 }): StudioState {
    const items = [...names].map((name) => newItem(name, name, 1, INITIAL_STATE.settings));
    return { ...INITIAL_STATE, device: DEVICE, rates, queue: addItems(EMPTY_QUEUE, items) };
  }

  const running = (state: StudioState): StudioState => ({ ...state, queue: changeItem(state.queue, 'a', { status: 'running' }) });
  /** a takes 80, b 60, and c is of a model that is not known. */
  const macsOf = ({ id }: QueueItem): number | null => ({ a: 80, b: 60 })[id] ?? null;

  it('is nothing where nothing waits', () => {
    expect(queueSecondsLeft(waiting(''), macsOf)).toBe(0);
  });

  it('is what the plans say at the speed of the device, before a run has ended', () => {
    expect(queueSecondsLeft(waiting('ab'), macsOf)).toBe(40 + 30);
  });

  it('is unknown where a model or the speed is', () => {
    expect(queueSecondsLeft(waiting('abc'), macsOf)).toBeNull();
    expect(queueSecondsLeft(waiting('ab', {}), macsOf)).toBeNull();
    expect(queueSecondsLeft({ ...waiting('ab'), device: null }, macsOf)).toBeNull();
  });

  it('is of the run under way what its plan says of the steps to come, until its own pace is known', () => {
    const state = begun(running(waiting('ab')));
    expect(queueSecondsLeft(running(waiting('ab')), macsOf)).toBe(40 + 30);
    expect(queueSecondsLeft(state, macsOf)).toBe(40 + 30);
    const again = AGAIN.reduce(reduceEvent, state);
    expect(queueSecondsLeft(again, macsOf)).toBe(40 / 2 + 30);
    expect(queueSecondsLeft(reduceEvent(again, step(10, 1)), macsOf)).toBe(9 * 3 + 30);
  });
});
