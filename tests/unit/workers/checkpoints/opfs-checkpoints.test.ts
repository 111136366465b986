import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { OpfsCheckpoints } from '../../../../workers/checkpoints/opfs-checkpoints.ts';
import type { CheckpointStep, RunCheckpoints } from '../../../../workers/pipelines/context.ts';
import { tensorOf } from '../../../support/golden.ts';
import { MemoryFolder } from '../../../support/opfs.ts';

/** More than steps are held back to be written together. */
const A_WHILE_MS = 2000;
const PLENTY = 2 ** 20;
const A_WEEK_MS = 7 * 24 * 3600 * 1000;

let root: MemoryFolder;
let reasons: string[];
let store: OpfsCheckpoints;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
  root = new MemoryFolder();
  vi.stubGlobal('navigator', { storage: { getDirectory: async () => root } });
  reasons = [];
  store = new OpfsCheckpoints((reason) => reasons.push(reason));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

/** Step `index` of a run of one lane: its number is what it holds. */
function step(index: number): CheckpointStep {
  const tensor = tensorOf([index], [1, 1, 1, 1]);
  return { lanes: [{ x0: tensor, sample: tensor, memory: [tensor] }] };
}

/** Saves steps, each some while after the one before. */
async function saveSlowly(run: RunCheckpoints, indices: readonly number[]): Promise<void> {
  for (const index of indices) {
    vi.advanceTimersByTime(A_WHILE_MS);
    await run.save(step(index));
  }
}

/** The numbers of the steps that are kept, and of the last one's sample. */
async function keptSteps(fingerprint = 'same', x0Bytes = PLENTY) {
  const found = await store.open('run', fingerprint).load(x0Bytes);
  return found && { x0s: found.x0ByStep.map((x0s) => x0s?.[0]?.data[0]), sample: found.last.lanes[0]?.sample.data[0] };
}

async function begin(runId = 'run'): Promise<RunCheckpoints> {
  const run = store.open(runId, 'same');
  expect(await run.load(PLENTY)).toBeNull();
  return run;
}

async function runs(): Promise<readonly string[]> {
  return (await root.getDirectoryHandle('checkpoints')).names;
}

describe('steps that are kept', () => {
  it('come back for an equal run and for no other', async () => {
    await saveSlowly(await begin(), [0, 1, 2]);
    expect(await keptSteps()).toEqual({ x0s: [0, 1, 2], sample: 2 });
    expect(await keptSteps('another')).toBeNull();
    expect(await keptSteps()).toBeNull();
  });

  it('are written together while they follow fast', async () => {
    const run = await begin();
    for (const index of [0, 1, 2]) await run.save(step(index));
    expect(await keptSteps()).toBeNull();
    await saveSlowly(run, [3]);
    expect(await keptSteps()).toEqual({ x0s: [0, 1, 2, 3], sample: 3 });
  });

  it('end where one could not be written, also when there is room again', async () => {
    const run = await begin();
    await saveSlowly(run, [0, 1]);
    root.disk.full = true;
    await saveSlowly(run, [2, 3]);
    root.disk.full = false;
    await saveSlowly(run, [4, 5]);
    expect(await keptSteps()).toEqual({ x0s: [0, 1], sample: 1 });
    expect(reasons).toEqual(['The quota has been exceeded.']);
  });

  it('are continued by the run that goes on after them', async () => {
    await saveSlowly(await begin(), [0, 1]);
    const again = store.open('run', 'same');
    await again.load(PLENTY);
    await saveSlowly(again, [2]);
    expect(await keptSteps()).toEqual({ x0s: [0, 1, 2], sample: 2 });
  });

  it('are given with no more predictions than there is room for, the last two always', async () => {
    await saveSlowly(await begin(), [0, 1, 2, 3, 4]);
    const [bytes, none] = [4, undefined];
    expect(await keptSteps('same', 3 * bytes)).toEqual({ x0s: [none, none, 2, 3, 4], sample: 4 });
    expect(await keptSteps('same', 0)).toEqual({ x0s: [none, none, none, 3, 4], sample: 4 });
  });

  it('are none where the file system takes nothing at all', async () => {
    root.disk.full = true;
    const run = await begin();
    await saveSlowly(run, [0]);
    root.disk.full = false;
    await saveSlowly(run, [1]);
    expect(await keptSteps()).toBeNull();
  });
});

describe('what nobody came back for', () => {
  it('is removed after a week, counted from its last step or, without one, from its start', async () => {
    await saveSlowly(await begin('with steps'), [0]);
    await begin('without');
    vi.advanceTimersByTime(A_WEEK_MS - A_WHILE_MS);
    await begin('later');
    expect(await runs()).toEqual(['with steps', 'without', 'later']);
    vi.advanceTimersByTime(2 * A_WHILE_MS);
    await begin('latest');
    expect(await runs()).toEqual(['later', 'latest']);
  });

  it('is removed at once where it is forgotten', async () => {
    await saveSlowly(await begin(), [0]);
    await store.forget('run');
    expect(await runs()).toEqual([]);
    await store.forget('run');
    expect(reasons).toEqual([]);
  });
});
