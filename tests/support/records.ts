import type { Recipe } from '../../src/protocol/events.ts';
import type { DeviceReport } from '../../src/protocol/studio-api.ts';
import { INITIAL_STATE, type RunRecord } from '../../src/store/state.ts';

/** A device that says nothing of its memory or its speed. */
export const DEVICE: DeviceReport = {
  chosen: 'wasm',
  reason: '',
  candidates: [],
  threads: 1,
  shaderF16: false,
  memory: { totalBytes: null, programBytes: 0, heapBytes: null, bindingBytes: null },
};

/** A run that has just begun, of the item `item`. */
export function runRecord(changes: Partial<RunRecord> = {}): RunRecord {
  return {
    runId: 'run',
    laneIds: ['run'],
    bundleId: 'x',
    bundleTitle: 'X',
    itemId: 'item',
    pictureName: 'a.png',
    seed: 42,
    region: null,
    count: 2,
    steps: [],
    firstStage: false,
    highGain: 1,
    rows: 0,
    height: 8,
    width: 8,
    finished: null,
    ...changes,
  };
}

/** A run that ended, every step taken, with the recipe of the settings that the page begins with and what is changed of it. */
export function finishedRun(changes: Partial<RunRecord> = {}, asked: Partial<Recipe> = {}): RunRecord {
  const { scale, steps, guidance, seed, sampler, startPoint, colorFix, tileCells, user, positive, negative, tags, region } =
    INITIAL_STATE.settings;
  const recipe: Recipe = {
    ...{ scale, steps, guidance, seed, sampler, startPoint, colorFix, tileCells, region, depth: 8 },
    prompt: { tags, user, positive, negative },
    bundleId: changes.bundleId ?? 'x',
    bundleTitle: changes.bundleTitle ?? 'X',
    graphs: {},
    tags: [],
    positiveText: '',
    negativeText: '',
    backend: 'wasm',
    stoppedAfter: null,
    ...asked,
  };
  const taken = Array.from({ length: recipe.stoppedAfter ?? recipe.steps }, () => ({ timestep: 0, statistics: null, similarity: null }));
  const { seed: used, region: part } = recipe;
  const finished = { recipe, timings: [], graphSeconds: 0 };
  return runRecord({ seed: used, region: part, count: recipe.steps, steps: taken, finished, ...changes });
}
