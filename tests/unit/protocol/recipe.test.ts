import { encode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import { StudioError } from '../../../src/protocol/errors.ts';
import type { Recipe } from '../../../src/protocol/events.ts';
import { RECIPE_KEYWORD, readRecipe, recipeTexts, WORDS_KEYWORD } from '../../../src/protocol/recipe.ts';
import { pngTexts } from '../../../workers/imaging/png-texts.ts';

const RECIPE: Recipe = {
  scale: 4,
  steps: 20,
  guidance: 1.5,
  seed: 42,
  sampler: 'ddpm',
  startPoint: 'lr',
  prompt: { tags: null, user: 'Zoë 🐦', positive: 'clean', negative: 'blur' },
  colorFix: 'wavelet',
  region: null,
  tileCells: null,
  depth: 8,
  stoppedAfter: null,
  bundleId: 'seesr-mini',
  bundleTitle: 'SeeSR mini',
  graphs: { denoiser: ['a'.repeat(64)] },
  tags: ['bird'],
  positiveText: 'bird, Zoë 🐦,clean',
  negativeText: 'blur',
  backend: 'wasm',
};
const MIX = { low: 'input', high: 'rfsr', gain: 1.25, other: { ...RECIPE, bundleId: 'seesr-mini-rfsr' } } as const;

function throughPng(texts: Record<string, string>): Readonly<Record<string, string>> {
  return pngTexts(encode({ width: 2, height: 1, channels: 3, data: new Uint8Array(6), text: texts }));
}

describe('a recipe in a picture', () => {
  it('survives a PNG, whatever the letters', () => {
    expect(readRecipe(throughPng(recipeTexts({ recipe: RECIPE, mix: null })))).toEqual({ recipe: RECIPE, mix: null });
    expect(readRecipe(throughPng(recipeTexts({ recipe: RECIPE, mix: MIX })))).toEqual({ recipe: RECIPE, mix: MIX });
  });

  it('is also there in words', () => {
    const words = throughPng(recipeTexts({ recipe: RECIPE, mix: MIX }))[WORDS_KEYWORD];
    expect(words).toContain('Steps: 20, Sampler: ddpm, CFG scale: 1.5, Seed: 42, Model: SeeSR mini');
    expect(words).toContain('Mixed: low band of input, high band of rfsr times 1.25');
  });

  it('is absent from other pictures and files', () => {
    expect(readRecipe(throughPng({ Comment: 'hello' }))).toBeNull();
    expect(pngTexts(new TextEncoder().encode('not a picture at all'))).toEqual({});
  });

  it.each([
    ['not JSON', 'not JSON'],
    ['{}', 'schema'],
    [JSON.stringify({ schema: 1, recipe: { ...RECIPE, sampler: 'euler' } }), 'recipe.sampler'],
  ])('is refused, with the reason, when it reads %s', (text, reason) => {
    const read = (): unknown => readRecipe({ [RECIPE_KEYWORD]: text });
    expect(read).toThrow(StudioError);
    expect(read).toThrow(reason);
  });

  it.each([
    ['scale', { scale: 0 }],
    ['scale', { scale: 500 }],
    ['steps', { steps: 201 }],
    ['guidance', { guidance: -1 }],
    ['seed', { seed: 2 ** 32 }],
    ['stoppedAfter', { stoppedAfter: 0 }],
    ['region.height', { region: { top: 0, left: 0, height: 0, width: 8 } }],
    ['region.left', { region: { top: 0, left: 1e9, height: 8, width: 8 } }],
  ])('is refused where its %s is out of range: %o', (field, changes) => {
    const text = JSON.stringify({ schema: 1, recipe: { ...RECIPE, ...changes } });
    expect(() => readRecipe({ [RECIPE_KEYWORD]: text })).toThrow(`“recipe.${field}”`);
  });

  it('is refused where its mix is stronger than any that can be made', () => {
    const [text] = Object.values(recipeTexts({ recipe: RECIPE, mix: { ...MIX, gain: 1e6 } })).slice(1);
    expect(() => readRecipe({ [RECIPE_KEYWORD]: text ?? '' })).toThrow('“mix.gain”');
  });

  it('is found before a file breaks off', () => {
    const bytes = encode({ width: 2, height: 1, channels: 3, data: new Uint8Array(6), text: recipeTexts({ recipe: RECIPE, mix: null }) });
    expect(() => pngTexts(bytes.subarray(0, bytes.length - 5))).not.toThrow();
  });
});
