import type { CarriedText, PictureToSave } from '../../src/protocol/picture-file.ts';
import { RECIPE_KEYWORD, WORDS_KEYWORD } from '../../src/protocol/recipe.ts';

/** The words of a recipe where another program's stand under their keyword. */
const BESIDE_KEYWORD = 'rfsr-studio-words';

/** What a result says: the studio's texts, and those of the file it was made from that are not the studio's. */
export interface OwnedTexts {
  readonly texts: Readonly<Record<string, string>>;
  readonly carried: readonly CarriedText[];
}

/** The texts of a picture to save: another program's stay under their keywords, the studio's words go beside them; of a former result nothing stays. */
export function ownedTexts({ source, texts }: PictureToSave): OwnedTexts {
  const found = source?.texts ?? [];
  const has = (wanted: string): boolean => found.some(({ keyword }) => keyword === wanted);
  // a former result's words are its own, unless they had to go beside another program's
  const own = [RECIPE_KEYWORD, BESIDE_KEYWORD, ...(has(RECIPE_KEYWORD) && !has(BESIDE_KEYWORD) ? [WORDS_KEYWORD] : [])];
  const carried = found.filter(({ keyword }) => !own.includes(keyword));
  const taken = carried.some(({ keyword }) => keyword === WORDS_KEYWORD);
  const entries = Object.entries(texts).map(([keyword, text]) => [taken && keyword === WORDS_KEYWORD ? BESIDE_KEYWORD : keyword, text]);
  return { texts: Object.fromEntries(entries), carried };
}

/** What of a PNG's texts a studio's result says of itself; nothing of other files. */
export function studioTexts(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const [recipe, words] = [texts[RECIPE_KEYWORD], texts[BESIDE_KEYWORD] ?? texts[WORDS_KEYWORD]];
  if (recipe === undefined) return {};
  return { [RECIPE_KEYWORD]: recipe, ...(words === undefined ? {} : { [WORDS_KEYWORD]: words }) };
}
