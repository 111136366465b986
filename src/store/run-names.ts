import type { Recipe } from '../protocol/events.ts';
import type { ColorFix, StartPoint } from '../protocol/request.ts';
import type { RunRecord } from './state.ts';

const START_NAMES: Readonly<Record<StartPoint, string>> = {
  lr: 'from the input',
  noise: 'from noise',
  'lr-twice': 'noised twice',
  'lr-twice-legacy': 'noised twice, legacy',
};

const COLOUR_NAMES: Readonly<Record<ColorFix, string>> = { wavelet: 'wavelet colour', adain: 'AdaIN colour', none: 'colour as it came' };

/** What can tell two results of one model apart, in the order it is told. */
const FACETS: readonly ((recipe: Recipe, run: RunRecord) => string)[] = [
  (_, { pictureName }) => pictureName,
  ({ region }) => (region === null ? 'whole picture' : `region ${region.width}×${region.height} at ${region.left}, ${region.top}`),
  ({ scale }) => `×${scale}`,
  ({ seed }) => `seed ${seed}`,
  ({ steps }) => `${steps} steps`,
  ({ guidance }) => `guidance ${guidance}`,
  ({ sampler }) => sampler.toUpperCase(),
  ({ startPoint }) => START_NAMES[startPoint],
  ({ colorFix }) => COLOUR_NAMES[colorFix],
  ({ tileCells }) => (tileCells === null ? 'automatic tiles' : `tiles of ${tileCells} cells`),
  ({ prompt, tags }) => labelled('tags', (prompt.tags ?? tags).join(', ')),
  ({ prompt }) => labelled('words', prompt.user),
  ({ prompt }) => labelled('quality words', prompt.positive),
  ({ prompt }) => labelled('negative words', prompt.negative),
  ({ depth }) => `${depth} bits`,
  ({ backend }) => `on ${backend}`,
];

/** Characters of a setting that are told at its beginning and at its end. */
const ENDS = 16;

/** Finished runs by id in a few words: the model, those settings in which it differs from the same model's others in the list, and whether it was stopped. */
export function runNames(runs: readonly RunRecord[]): ReadonlyMap<string, string> {
  const told = runs.flatMap((run) => (run.finished === null ? [] : [{ run, facets: facetsOf(run, run.finished.recipe) }]));
  const named = told.map(({ run, facets }) => {
    const alike = told.filter((other) => other.run.bundleTitle === run.bundleTitle);
    const telling = facets.filter((facet, i) => alike.some((other) => other.facets[i] !== facet));
    return [run.runId, [run.bundleTitle, ...telling.map(shortened), ...stopOf(run)].join(' · ')] as const;
  });
  return new Map(
    named.map(([runId, name], place) => {
      // equal runs are told apart by their age, the oldest first
      const older = named.slice(place + 1).filter((other) => other[1] === name).length;
      const equal = named.filter((other) => other[1] === name).length;
      return [runId, equal > 1 ? `${name} · no. ${older + 1}` : name];
    }),
  );
}

function facetsOf(run: RunRecord, recipe: Recipe): readonly string[] {
  return FACETS.map((facet) => facet(recipe, run));
}

function stopOf({ finished }: RunRecord): readonly string[] {
  const { stoppedAfter = null, steps = 0 } = finished?.recipe ?? {};
  return stoppedAfter === null ? [] : [`stopped after ${stoppedAfter} of ${steps} steps`];
}

function labelled(what: string, words: string): string {
  return words === '' ? `no ${what}` : `${what}: ${words}`;
}

function shortened(facet: string): string {
  return facet.length > 2 * ENDS + 1 ? `${facet.slice(0, ENDS)}…${facet.slice(-ENDS)}` : facet;
}
