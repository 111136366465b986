import { afterAll, describe, expect, it } from 'vitest';
import { FolderFiles } from '../../../cli/folder-files.ts';
import { nodeRuntime } from '../../../cli/ort.ts';
import { emptyPicture, pasteRows } from '../../../src/core/picture.ts';
import type { Image8 } from '../../../src/protocol/request.ts';
import { Engine } from '../../../workers/engine.ts';
import { strokes } from '../../support/charts.ts';
import { BACKGROUNDS, fringe, NO_FRINGE } from '../../support/fringe.ts';
import { NANO_ID, NANO_MODELS, nanoRequest } from '../../support/nano.ts';

const COLOUR = [200, 60, 140] as const;
/** What black behind the strokes draws into their edges is many times what is no fringe. */
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

describe('thin strokes over nothing', () => {
  const picture = strokes(40, 48, COLOUR);

  it.each(BACKGROUNDS)('have no fringe on %s once enlarged', async (_, background) => {
    const result = await upscaled(picture);
    expect(fringe(result, result, COLOUR, background)).toBeLessThan(NO_FRINGE);
  });

  it.each(BACKGROUNDS)('would have one on %s if the model saw what is behind them', async (_, background) => {
    const seen = { ...picture, rgba8: picture.rgba8.map((value, i) => (i % 4 === 3 ? 255 : value)) };
    expect(fringe(await upscaled(seen), await upscaled(picture), COLOUR, background)).toBeGreaterThan(FRINGE);
  });
});
