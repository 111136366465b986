import { describe, expect, it } from 'vitest';
import { macsOf } from '../../../src/store/plan.ts';
import { addItems, EMPTY_QUEUE, newItem } from '../../../src/store/queue.ts';
import {
  applyToWaiting,
  beginRuns,
  changeSettings,
  chooseItem,
  prepareRuns,
  reduceEvent,
  settleChoice,
} from '../../../src/store/reduce.ts';
import { INITIAL_STATE, type StudioState } from '../../../src/store/state.ts';
import { nanoManifest } from '../../support/nano.ts';
import { DEVICE, finishedRun, runRecord } from '../../support/records.ts';

const DEFAULTS = { guidance: 9, steps: 8 };

function select(state: StudioState, id: string): StudioState {
  const item = state.queue.items.find((known) => known.id === id);
  return item === undefined ? state : chooseItem(state, item);
}

/** Pictures a and b, a in the viewer, the model `x` chosen for it; its own settings are still to come. */
function chosenForA(): StudioState {
  const items = ['a', 'b'].map((id) => newItem(id, `${id}.png`, 1, INITIAL_STATE.settings));
  const queue = addItems(EMPTY_QUEUE, items);
  return changeSettings(select({ ...INITIAL_STATE, queue }, 'a'), { bundleId: 'x' });
}

const CHOICE = { itemId: 'a', others: ['b'] };
const guidances = ({ queue, settings }: StudioState) => [...queue.items.map((item) => item.settings.guidance), settings.guidance];

describe('a region that is being drawn', () => {
  it('is given up once another picture is shown', () => {
    const state = chosenForA();
    expect(select({ ...state, view: { ...state.view, drawing: true } }, 'b').view.drawing).toBe(false);
  });
});

describe('the own settings of a model that was chosen', () => {
  it('are the picture’s and the panel’s', () => {
    expect(guidances(settleChoice(chosenForA(), CHOICE, 'x', DEFAULTS))).toEqual([9, 1, 9]);
  });

  it('are that picture’s alone once another is shown, though it has the same model', () => {
    const state = changeSettings(select(chosenForA(), 'b'), { bundleId: 'x', guidance: 2 });
    expect(guidances(settleChoice(state, CHOICE, 'x', DEFAULTS))).toEqual([9, 2, 2]);
  });

  it('are no matter where another model was chosen since', () => {
    const state = changeSettings(chosenForA(), { bundleId: 'y' });
    expect(settleChoice(state, CHOICE, 'x', DEFAULTS)).toBe(state);
  });

  it('go to a picture opened since, which took the choice along', () => {
    const state = chosenForA();
    const opened = { ...state, queue: addItems(state.queue, [newItem('c', 'c.png', 1, state.settings)]) };
    expect(guidances(settleChoice(select(opened, 'c'), CHOICE, 'x', DEFAULTS))).toEqual([9, 1, 9, 9]);
  });
});

describe('settings that are given to all that wait', () => {
  it('leave each its own region and tags', () => {
    const region = { top: 0, left: 0, height: 2, width: 2 };
    const state = changeSettings(select(chosenForA(), 'b'), { region, tags: ['dog'] });
    const given = applyToWaiting(changeSettings(select(state, 'a'), { steps: 3, tags: ['cat'] }));
    expect(given.queue.items.map(({ settings }) => settings)).toMatchObject([
      { steps: 3, region: null, tags: ['cat'] },
      { steps: 3, region, tags: ['dog'] },
    ]);
  });
});

describe('a run that was stopped', () => {
  const ended = (stoppedAfter: number | null): StudioState => {
    const { finished } = finishedRun({}, { steps: 20, stoppedAfter });
    if (finished === null) throw new TypeError('expected a finished run');
    const begun = beginRuns(prepareRuns(INITIAL_STATE), [runRecord()]);
    return reduceEvent(begun, {
      type: 'done',
      runId: 'run',
      height: 8,
      width: 8,
      ...finished,
      timings: [{ stage: 'denoise', seconds: 3 }],
    });
  };

  it('is under way until its worker is free, though its result is here', () => {
    expect(ended(5)).toMatchObject({ progress: { laneIds: ['run'] }, runs: [{ finished: { recipe: { stoppedAfter: 5 } } }] });
  });

  it('counts as the steps that it took, in what it computed', () => {
    const macs = (asked: object): number => {
      const run = finishedRun({}, asked);
      const item = { ...newItem(run.itemId, 'a.png', 1, INITIAL_STATE.settings), size: { height: 64, width: 64 } };
      const queue = addItems(EMPTY_QUEUE, [item]);
      return macsOf({ ...INITIAL_STATE, device: DEVICE, queue, manifests: { x: nanoManifest() }, runs: [run] }, run) ?? Number.NaN;
    };
    expect(macs({ steps: 20, stoppedAfter: 5 })).toBe(macs({ steps: 5 }));
    expect(macs({ steps: 20, stoppedAfter: 5 })).toBeLessThan(macs({ steps: 20 }));
  });
});
