import { describe, expect, it } from 'vitest';
import { addItems, changeItem, EMPTY_QUEUE, newItem, requeueItem } from '../../../src/store/queue.ts';
import { readKeptRun, readSession, resultKey, runKey, type Session, sessionKeys } from '../../../src/store/session.ts';
import { INITIAL_STATE, type RunRecord } from '../../../src/store/state.ts';

const { settings } = INITIAL_STATE;
const queue = changeItem(addItems(EMPTY_QUEUE, [newItem('a', 'a.png', 12, settings), newItem('b', 'b.png', 34, settings)]), 'b', {
  status: 'failed',
  failure: { code: 'image-empty', text: 'It is empty.' },
  seen: { tags: ['dog'], unknownWords: [] },
  laneIds: ['run'],
});
const { removed: _, ...stored } = queue;
const SESSION: Session = { queue: { ...stored, selectedId: 'b', going: true, asked: ['a'] }, settings: { ...settings, tags: ['cat'] } };

const RECORD: RunRecord = {
  runId: 'run',
  laneIds: ['run'],
  bundleId: 'x',
  bundleTitle: 'X',
  itemId: 'a',
  pictureName: 'a.png',
  seed: 1,
  region: null,
  count: 2,
  steps: [{ timestep: 3, statistics: { lowEnergy: 1, highEnergy: 2, lowChange: null, highChange: 0.5 }, similarity: null }],
  firstStage: false,
  highGain: 1,
  rows: 8,
  height: 8,
  width: 8,
  finished: null,
};

describe('a kept session', () => {
  it('is read as it was written', () => {
    expect(readSession(structuredClone(SESSION))).toEqual(SESSION);
  });

  it('of an earlier version is read too: nothing was run again, asked for or held in it', () => {
    const items = SESSION.queue.items.map(({ earlier: _, ...item }) => item);
    const { paused: _, asked: __, ...queue } = { ...SESSION.queue, items };
    expect(readSession({ ...SESSION, queue })).toEqual({ ...SESSION, queue: { ...SESSION.queue, asked: [] } });
  });

  it.each([
    ['nothing', undefined],
    ['another version’s settings', { ...SESSION, settings: { ...settings, sampler: 'euler' } }],
    ['a scale that no run takes', { ...SESSION, settings: { ...settings, scale: 500 } }],
    [
      'a picture larger than any that is opened',
      { ...SESSION, queue: { ...SESSION.queue, items: [{ ...queue.items[0], size: { height: 1e9, width: 1 } }] } },
    ],
    ['an item of no known status', { ...SESSION, queue: { ...SESSION.queue, items: [{ ...queue.items[0], status: 'lost' }] } }],
  ])('is none where there is %s', (_, value) => {
    expect(readSession(value)).toBeNull();
  });

  it('needs the files of all items and the results of their runs', () => {
    expect([...sessionKeys(queue)].sort()).toEqual(['file/a', 'file/b', resultKey('run'), runKey('run'), 'session'].sort());
  });

  it('needs the result of an item that is run again', () => {
    const done = changeItem(queue, 'a', { status: 'done', laneIds: ['old'] });
    const again = requeueItem(done, 'a', { ...settings, seed: 7 });
    expect([...sessionKeys(again)]).toEqual(expect.arrayContaining([resultKey('old'), runKey('old')]));
    expect(readSession({ queue: again, settings })?.queue.items).toEqual(again.items);
  });
});

describe('a kept run', () => {
  const kept = { record: RECORD, frames: [['run/step-0/x0', new Blob(['a picture file'])]] };

  it('is read as it was written, without what it was measured against', () => {
    const similarity = { low: 1, high: 1 };
    const measured = { ...RECORD, steps: RECORD.steps.map((step) => ({ ...step, similarity })) };
    expect(readKeptRun({ ...kept, record: measured })).toEqual(kept);
  });

  it('is none where a picture is no file', () => {
    expect(readKeptRun({ ...kept, frames: [['run/step-0/x0', 'a picture']] })).toBeNull();
  });
});
