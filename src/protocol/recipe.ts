import { StudioError } from './errors.ts';
import { BACKENDS, type Recipe } from './events.ts';
import { absentAs, array, integer, literal, nullable, number, object, optional, record, string } from './parse.ts';
import { ALPHA_USES, COLOR_FIXES, DEPTHS, MAX_INPUT_PIXELS, RANGES, SAMPLERS, START_POINTS, TILE_CELLS } from './request.ts';

/** Keyword of a picture's recipe as JSON, and of the same in words. */
export const RECIPE_KEYWORD = 'rfsr-studio';
export const WORDS_KEYWORD = 'parameters';

const LOW_SOURCES = ['input', 'base', 'rfsr'] as const;
const HIGH_SOURCES = ['base', 'rfsr'] as const;

/** How a finished pair is mixed: whose low band, whose high band, and how strong that is. */
export interface Mix {
  readonly low: (typeof LOW_SOURCES)[number];
  readonly high: (typeof HIGH_SOURCES)[number];
  readonly gain: number;
}

/** What an exported picture says of itself: the recipe of its run, and of its pair's other run where both were mixed. */
export interface PictureRecipe {
  readonly recipe: Recipe;
  readonly mix: (Mix & { readonly other: Recipe }) | null;
}

/** Reads a side of a picture that was opened, in pixels. */
export const sideField = integer({ min: 1, max: MAX_INPUT_PIXELS });
const place = integer({ min: 0, max: MAX_INPUT_PIXELS });

/** Reads the part of a picture that is enlarged; null for all of it. */
export const regionField = nullable(object({ top: place, left: place, height: sideField, width: sideField }));

/** Readers of what is asked of a run beside its model and its words. */
export const askedFields = {
  scale: integer(RANGES.scale),
  steps: integer(RANGES.steps),
  guidance: number(RANGES.guidance),
  seed: integer(RANGES.seed),
  sampler: literal(...SAMPLERS),
  startPoint: literal(...START_POINTS),
  colorFix: literal(...COLOR_FIXES),
  region: absentAs(null, regionField),
  tileCells: absentAs(null, nullable(literal(...TILE_CELLS))),
};

/** Reads a run's recipe. */
export const recipeField = object({
  ...askedFields,
  alpha: optional(literal(...ALPHA_USES)),
  prompt: object({ tags: nullable(array(string())), user: string(), positive: string(), negative: string() }),
  bundleId: string(),
  bundleTitle: string(),
  graphs: record(array(string(/^[0-9a-f]{64}$/))),
  tags: array(string()),
  positiveText: string(),
  negativeText: string(),
  backend: literal(...BACKENDS),
  depth: absentAs(8, literal(...DEPTHS)),
  stoppedAfter: absentAs(null, nullable(integer(RANGES.steps))),
});

const file = object({
  schema: integer(),
  recipe: recipeField,
  mix: optional(object({ low: literal(...LOW_SOURCES), high: literal(...HIGH_SOURCES), gain: number(RANGES.gain), other: recipeField })),
});

/** Text chunks of an exported picture: in words for people, as JSON for the studio. ASCII only, as PNG's tEXt wants it. */
export function recipeTexts({ recipe, mix }: PictureRecipe): Record<string, string> {
  const { scale, steps, guidance, seed, sampler, startPoint, colorFix, bundleTitle, backend, positiveText, negativeText } = recipe;
  const words = [
    positiveText,
    ...(negativeText === '' ? [] : [`Negative prompt: ${negativeText}`]),
    `Steps: ${steps}, Sampler: ${sampler}, CFG scale: ${guidance}, Seed: ${seed}, Model: ${bundleTitle}, Upscale: x${scale}, ` +
      `Start: ${startPoint}, Colour: ${colorFix}, Backend: ${backend}`,
    ...(mix === null ? [] : [`Mixed: low band of ${mix.low}, high band of ${mix.high} times ${mix.gain}`]),
  ];
  const json = JSON.stringify({ schema: 1, recipe, ...(mix === null ? {} : { mix }) });
  return { [WORDS_KEYWORD]: ascii(words.join('\n')), [RECIPE_KEYWORD]: ascii(json) };
}

/** The recipe in a picture's text chunks; null where there is none. Throws StudioError `option-invalid` for one that cannot be read. */
export function readRecipe(texts: Readonly<Record<string, string>>): PictureRecipe | null {
  const text = texts[RECIPE_KEYWORD];
  if (text === undefined) return null;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw unreadable('it is not JSON', cause);
  }
  const { recipe: read, mix } = file(json, '', (path, expected) => {
    throw unreadable(`expected ${expected} at “${path || 'top'}”`);
  });
  return { recipe: read, mix: mix ?? null };
}

function unreadable(reason: string, cause?: unknown): StudioError {
  return new StudioError('option-invalid', `The picture's recipe cannot be read (${reason}); its settings were not restored.`, { cause });
}

/** JavaScript's escapes, which JSON shares, for everything beyond ASCII. */
function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e\n]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
