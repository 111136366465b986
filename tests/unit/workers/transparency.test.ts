import { afterAll, describe, expect, it } from 'vitest';
import { FolderFiles } from '../../../cli/folder-files.ts';
import { nodeRuntime } from '../../../cli/ort.ts';
import { emptyPicture, pasteRows } from '../../../src/core/picture.ts';
import type { Image8 } from '../../../src/protocol/request.ts';
import { Engine } from '../../../workers/engine.ts';
import { strokes } from '../../support/charts.ts';
import { NANO_ID, NANO_MODELS, nanoRequest } from '../../support/nano.ts';

type Rgb = readonly [number, number, number];

const COLOUR: Rgb = [200, 60, 140];
const BACKGROUNDS: readonly (readonly [string, Rgb])[] = [
  ['black', [0, 0, 0]],
  ['white', [255, 255, 255]],
  ['magenta', [255, 0, 255]],
];
/**
 * Levels of 255 by which edges may be off in the mean. Random weights throw single pixels far off, to both sides alike; a fringe is one-sided.
 */
const NO_FRINGE = 3;
/** What black behind the strokes draws into their edges is many times that. */
const FRINGE = 20;

const engine = new Engine(nodeRuntime, ['cpu'], new FolderFiles(NANO_MODELS));
afterAll(() => engine.dispose());

async function upscaled(image: Image8): Promise<Image8> {
  const request = nanoRequest({ image, steps: 1, guidance: 1, preview: 'none' });
  const result = emptyPicture({ height: image.height * request.scale, width: image.width * request.scale });
  const hear: Parameters<Engine['run']>[2] = async (event) => {
    if (event.type === 'rows') pasteRows(result, event.top, event.image);
  };
  await engine.run([{ runId: 'a', bundleId: NANO_ID }], request, hear, new AbortController().signal);
  return result;
}

/** By how much edges laid over a background are off the strokes' own colour laid over it: the mean of each channel, the worst of them. */
function fringe(colours: Image8, alphas: Image8, background: Rgb): number {
  const sums = [0, 0, 0];
  let edges = 0;
  for (let i = 0; i < colours.rgba8.length; i += 4) {
    const alpha = (alphas.rgba8[i + 3] ?? 0) / 255;
    if (alpha === 0 || alpha === 1) continue;
    edges++;
    const over = (colour: number, c: number) => Math.round(colour * alpha + (background[c] ?? 0) * (1 - alpha));
    for (const c of [0, 1, 2]) sums[c] = (sums[c] ?? 0) + over(colours.rgba8[i + c] ?? 0, c) - over(COLOUR[c] ?? 0, c);
  }
  expect(edges).toBeGreaterThan(1000);
  return Math.max(...sums.map((sum) => Math.abs(sum / edges)));
}

describe('thin strokes over nothing', () => {
  const picture = strokes(40, 48, COLOUR);

  it.each(BACKGROUNDS)('have no fringe on %s once enlarged', async (_, background) => {
    const result = await upscaled(picture);
    expect(fringe(result, result, background)).toBeLessThan(NO_FRINGE);
  });

  it.each(BACKGROUNDS)('would have one on %s if the model saw what is behind them', async (_, background) => {
    const seen = { ...picture, rgba8: picture.rgba8.map((value, i) => (i % 4 === 3 ? 255 : value)) };
    expect(fringe(await upscaled(seen), await upscaled(picture), background)).toBeGreaterThan(FRINGE);
  });
});
