import { describe, expect, it } from 'vitest';
import type { Recipe } from '../../../src/protocol/events.ts';
import { runNames } from '../../../src/store/run-names.ts';
import type { RunRecord } from '../../../src/store/state.ts';
import { finishedRun, runRecord } from '../../support/records.ts';

const SEESR = { bundleTitle: 'SeeSR mini' };
const PASD = { bundleTitle: 'PASD mini' };
const prompt = { tags: null, user: '', positive: 'clean', negative: '' };

/** Names of runs of models, in order, each with what is changed of its recipe. */
function named(...runs: readonly (readonly [Partial<RunRecord>, Partial<Recipe>])[]): readonly (string | undefined)[] {
  const records = runs.map(([changes, asked], i) => finishedRun({ runId: String(i), ...changes }, asked));
  const names = runNames(records);
  return records.map(({ runId }) => names.get(runId));
}

describe('a run’s name', () => {
  it('is its model where that tells it from all others', () => {
    expect(named([SEESR, { guidance: 1 }], [PASD, { guidance: 9, steps: 50 }])).toEqual(['SeeSR mini', 'PASD mini']);
  });

  it('is numbered by age where two runs are equal', () => {
    expect(named([SEESR, {}], [PASD, {}], [SEESR, {}])).toEqual(['SeeSR mini · no. 2', 'PASD mini', 'SeeSR mini · no. 1']);
  });

  it.each<readonly [string, Partial<Recipe>, string, string]>([
    ['guidance', { guidance: 9 }, 'guidance 1', 'guidance 9'],
    ['seed', { seed: 7 }, 'seed 42', 'seed 7'],
    ['steps', { steps: 8 }, '20 steps', '8 steps'],
    ['sampler', { sampler: 'unipc' }, 'DDPM', 'UNIPC'],
    ['start', { startPoint: 'noise' }, 'from the input', 'from noise'],
    ['colour', { colorFix: 'adain' }, 'wavelet colour', 'AdaIN colour'],
    ['scale', { scale: 2 }, '×4', '×2'],
    ['tags', { tags: ['dog', 'cat'] }, 'no tags', 'tags: dog, cat'],
    ['words', { prompt }, 'no quality words', 'quality words: clean'],
  ])('tells the %s that two runs of a model differ in, and nothing else', (_, asked, one, other) => {
    expect(named([PASD, {}], [PASD, asked], [SEESR, {}])).toEqual([`PASD mini · ${one}`, `PASD mini · ${other}`, 'SeeSR mini']);
  });

  it('tells all that differs, in one order', () => {
    expect(named([PASD, {}], [PASD, { guidance: 9, seed: 7 }])[1]).toBe('PASD mini · seed 7 · guidance 9');
  });

  it('keeps apart long words that begin alike, by their ends', () => {
    const user = 'a street in the rain at night, with lamps';
    const [one, other] = named([PASD, { prompt: { ...prompt, user } }], [PASD, { prompt: { ...prompt, user: `${user} and cars` } }]);
    expect([one, other]).toEqual(['PASD mini · words: a street …ight, with lamps', 'PASD mini · words: a street …h lamps and cars']);
  });

  it('says that a run was stopped, whatever the others are', () => {
    expect(named([PASD, { stoppedAfter: 3 }])).toEqual(['PASD mini · stopped after 3 of 20 steps']);
  });

  it('is there for finished runs only', () => {
    expect(runNames([runRecord()]).size).toBe(0);
  });
});
