import { describe, expect, it } from 'vitest';
import {
  abandonItem,
  addItems,
  changeItem,
  EMPTY_QUEUE,
  editItem,
  finishItem,
  hasResult,
  isPartial,
  itemOfLane,
  keptLanes,
  moveItem,
  newItem,
  nextItem,
  putBack,
  type QueueItem,
  type QueueState,
  RESULTS_KEPT,
  removeItems,
  requeueItem,
  restoreQueue,
  resultSize,
} from '../../../src/store/queue.ts';
import { INITIAL_STATE, type SettingsState } from '../../../src/store/state.ts';

const SETTINGS: SettingsState = INITIAL_STATE.settings;
const OTHERS: SettingsState = { ...SETTINGS, seed: 7, steps: 3 };

/** Items named by single letters, waiting. */
function queueOf(names: string): QueueState {
  return addItems(
    { ...EMPTY_QUEUE, going: true },
    [...names].map((name) => newItem(name, `${name}.png`, 1, SETTINGS)),
  );
}

const order = ({ items }: QueueState): string => items.map(({ id }) => id).join('');
const itemOf = ({ items }: QueueState, id: string): QueueItem => items.find((item) => item.id === id) as QueueItem;

/** Runs a queue to its end without workers: what `fails` names fails. */
function drained(queue: QueueState, fails: string): { readonly queue: QueueState; readonly ran: string } {
  let now = queue;
  let ran = '';
  for (let item = nextItem(now); item !== undefined; item = nextItem(now)) {
    ran += item.id;
    const failed = fails.includes(item.id);
    now = changeItem(now, item.id, failed ? { status: 'failed', failure: { code: 'internal', text: 'no' } } : { status: 'done' });
  }
  return { queue: now, ran };
}

describe('the queue', () => {
  it('runs its items in order, each once', () => {
    expect(drained(queueOf('abcd'), '').ran).toBe('abcd');
  });

  it('lets a failure leave the others alone', () => {
    const { queue, ran } = drained(queueOf('abc'), 'b');
    expect(ran).toBe('abc');
    expect(queue.items.map(({ status }) => status)).toEqual(['done', 'failed', 'done']);
  });

  it('runs an item again once it is asked to, with the settings given', () => {
    const { queue } = drained(queueOf('abc'), 'b');
    const again = requeueItem(queue, 'b', OTHERS);
    expect(itemOf(again, 'b')).toMatchObject({ status: 'waiting', failure: null, laneIds: [], settings: OTHERS });
    expect(drained(again, '').ran).toBe('b');
  });

  it('begins nothing while it is paused, or not going', () => {
    expect(nextItem({ ...queueOf('ab'), paused: true })).toBeUndefined();
    expect(nextItem({ ...queueOf('ab'), going: false })).toBeUndefined();
  });

  it('loses and doubles no item, however items are moved', () => {
    let queue = queueOf('abcde');
    for (const id of 'abcde') {
      for (let by = -6; by <= 6; by++) {
        queue = moveItem(queue, id, by);
        expect([...order(queue)].sort().join('')).toBe('abcde');
      }
    }
  });

  it.each([
    ['b', -1, 'bacd'],
    ['b', 1, 'acbd'],
    ['a', -1, 'abcd'],
    ['d', 1, 'abcd'],
    ['a', 9, 'bcda'],
    ['x', 1, 'abcd'],
  ])('moves %s by %i to make %s', (id, by, expected) => {
    expect(order(moveItem(queueOf('abcd'), id, by))).toBe(expected);
  });

  it('keeps the order of what is left when items go and come', () => {
    expect(order(addItems(removeItems(queueOf('abcd'), ['b', 'x']), [newItem('e', 'e.png', 1, SETTINGS)]))).toBe('acde');
  });

  it('changes the settings of what waits, and begins a run of it anew', () => {
    const cutOff = changeItem(queueOf('a'), 'a', { laneIds: ['run'] });
    expect(itemOf(editItem(cutOff, 'a', OTHERS), 'a')).toMatchObject({ settings: OTHERS, laneIds: [] });
  });

  it.each(['running', 'done', 'stopped'] as const)('leaves the settings of what is %s as its result was made', (status) => {
    const queue = changeItem(queueOf('a'), 'a', { status, laneIds: ['run'] });
    expect(editItem(queue, 'a', OTHERS)).toBe(queue);
  });

  it('knows how large a result will be, of a region too', () => {
    const size = { height: 10, width: 20 };
    const whole = { ...newItem('a', 'a.png', 1, { ...SETTINGS, scale: 3 }), size };
    expect(resultSize(whole)).toEqual({ height: 30, width: 60 });
    const region = { top: 1, left: 2, height: 4, width: 5 };
    expect(resultSize({ ...whole, settings: { ...whole.settings, region } })).toEqual({ height: 12, width: 15 });
    expect(resultSize({ ...whole, size: null })).toBeNull();
  });
});

describe('items that were taken out', () => {
  it('come back where they stood, whatever else was', () => {
    for (const gone of [['a'], ['d'], ['b', 'c'], ['a', 'b', 'c', 'd']]) {
      const queue = queueOf('abcd');
      expect(putBack(removeItems(queue, gone))).toEqual(queue);
    }
  });

  it('are known until others are taken out', () => {
    const done = changeItem(queueOf('ab'), 'a', { status: 'done', laneIds: ['run'] });
    const without = removeItems(done, ['a']);
    expect(itemOfLane(without, 'run')?.id).toBe('a');
    expect(itemOfLane(removeItems(without, ['b']), 'run')).toBeUndefined();
  });

  it('come back as they were before a run that their going ended', () => {
    const running = changeItem(queueOf('a'), 'a', { status: 'running', laneIds: ['new'] });
    expect(itemOf(putBack(removeItems(running, ['a'])), 'a')).toMatchObject({ status: 'waiting', laneIds: [] });
    const earlier = [{ status: 'done', settings: OTHERS, laneIds: ['old'] }] as const;
    const again = changeItem(running, 'a', { earlier });
    const back = { status: 'done', settings: OTHERS, laneIds: ['old'], earlier: [] };
    expect(itemOf(putBack(removeItems(again, ['a'])), 'a')).toMatchObject(back);
  });
});

describe('an item that is run again and again', () => {
  it('keeps the latest results, newest first', () => {
    let queue = queueOf('a');
    for (let run = 0; run < RESULTS_KEPT + 3; run++) {
      queue = finishItem(changeItem(requeueItem(queue, 'a', SETTINGS), 'a', { laneIds: [`run-${run}`] }), 'a', 'done');
    }
    const lanes = keptLanes(itemOf(queue, 'a'));
    expect(lanes).toHaveLength(RESULTS_KEPT);
    expect([lanes[0], lanes.at(-1)]).toEqual([`run-${RESULTS_KEPT + 2}`, 'run-3']);
  });
});

describe('an item with a result that is run again', () => {
  const PREVIOUS = { status: 'done', settings: SETTINGS, laneIds: ['old'] } as const;
  const FAILURE = { code: 'internal', text: 'no' } as const;
  const done = changeItem(queueOf('a'), 'a', { status: 'done', laneIds: ['old'] });
  const again = requeueItem(done, 'a', OTHERS);

  it('has it until there is another', () => {
    expect(itemOf(again, 'a')).toMatchObject({ status: 'waiting', settings: OTHERS, laneIds: [], earlier: [PREVIOUS] });
    expect(itemOfLane(again, 'old')).toBe(itemOf(again, 'a'));
    expect(itemOf(requeueItem(again, 'a', SETTINGS), 'a').earlier).toEqual([PREVIOUS]);
  });

  it('is as it was once the run is stopped before its first step', () => {
    const running = changeItem(again, 'a', { status: 'running', laneIds: ['new'] });
    expect(abandonItem(running, 'a', null)).toEqual(done);
  });

  it('has it, and says so, once the run fails; and still once the next one does', () => {
    const failed = abandonItem(changeItem(again, 'a', { status: 'running', laneIds: ['new'] }), 'a', FAILURE);
    expect(itemOf(failed, 'a')).toMatchObject({ status: 'failed', failure: FAILURE, settings: SETTINGS, laneIds: ['old'] });
    expect(hasResult(itemOf(failed, 'a'))).toBe(true);
    expect(abandonItem(requeueItem(failed, 'a', OTHERS), 'a', null)).toEqual(done);
  });

  it('is known to have a partial one after a failure too', () => {
    const stopped = requeueItem(changeItem(done, 'a', { status: 'stopped' }), 'a', OTHERS);
    expect(isPartial(itemOf(abandonItem(stopped, 'a', FAILURE), 'a'))).toBe(true);
    expect(isPartial(itemOf(abandonItem(again, 'a', FAILURE), 'a'))).toBe(false);
  });

  it('has none where there was none', () => {
    const failed = abandonItem(changeItem(queueOf('a'), 'a', { status: 'running', laneIds: ['new'] }), 'a', FAILURE);
    expect(itemOf(failed, 'a')).toMatchObject({ status: 'failed', laneIds: [], earlier: [] });
    expect(hasResult(itemOf(failed, 'a'))).toBe(false);
  });

  it('has it over a reload, unless it is lost', () => {
    expect(restoreQueue(again, () => true)).toEqual(again);
    expect(
      itemOf(
        restoreQueue(again, (what) => what === 'file'),
        'a',
      ),
    ).toMatchObject({ status: 'waiting', earlier: [] });
    const failed = abandonItem(again, 'a', FAILURE);
    const lost = { status: 'failed', failure: FAILURE, laneIds: [], earlier: [] };
    expect(
      itemOf(
        restoreQueue(failed, (what) => what === 'file'),
        'a',
      ),
    ).toMatchObject(lost);
  });
});

describe('a queue after the page was left', () => {
  const all = () => true;

  it('lets what ran wait under the ids of its run', () => {
    const queue = changeItem(queueOf('ab'), 'a', { status: 'running', laneIds: ['run'] });
    expect(itemOf(restoreQueue(queue, all), 'a')).toMatchObject({ status: 'waiting', laneIds: ['run'] });
  });

  it('is as it was where everything was kept', () => {
    const { queue } = drained(queueOf('abc'), 'b');
    expect(restoreQueue(changeItem(queue, 'a', { laneIds: ['run'] }), all)).toEqual(changeItem(queue, 'a', { laneIds: ['run'] }));
  });

  it('has no item whose file is gone, and runs again one whose result is', () => {
    const queue = changeItem(queueOf('abc'), 'b', { status: 'done', laneIds: ['run'] });
    const restored = restoreQueue(queue, (what, id) => what === 'file' && id !== 'a');
    expect(order(restored)).toBe('bc');
    expect(itemOf(restored, 'b')).toMatchObject({ status: 'waiting', laneIds: [] });
  });
});
