import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { FolderFiles } from '../../../cli/folder-files.ts';
import { nodeRuntime } from '../../../cli/ort.ts';
import { emptyPicture, pasteRows } from '../../../src/core/picture.ts';
import { defaultRequest } from '../../../src/protocol/default-request.ts';
import { Engine } from '../../../workers/engine.ts';
import { opaque } from '../../support/golden.ts';

const SHIPPED = fileURLToPath(new URL('../../../public/models', import.meta.url));
const COLOUR = [224, 172, 140] as const;
/** Pixels from the outermost on that a picture's border is. */
const RING = 2;
/** Levels that the border may be off where the inside is not: what rounding gives. */
const MORE = 1;
/** Levels that a shipped model, whose noise is not all gone after two steps, may be off. */
const OFF = 6;

const engine = new Engine(nodeRuntime, ['cpu'], new FolderFiles(SHIPPED));
afterAll(() => engine.dispose());

describe('a flat picture through a shipped model', () => {
  it.each([
    ['seesr-mini', 40, 36],
    ['seesr-mini-rfsr', 2, 50],
    ['diffbir-mini', 33, 50],
    ['pasd-mini', 40, 1],
  ])('is flat up to its outermost pixels: %s, %d×%d', async (bundleId, height, width) => {
    const pixels = Array.from({ length: height * width }, () => COLOUR).flat();
    const { manifest } = await engine.bundle(bundleId);
    const request = { ...defaultRequest(manifest, opaque(height, width, pixels)), steps: 2, preview: 'none' } as const;
    const result = emptyPicture({ height: height * request.scale, width: width * request.scale });
    const hear: Parameters<Engine['run']>[2] = async (event) => {
      if (event.type === 'rows') pasteRows(result, event.top, event.image);
    };
    await engine.run([{ runId: 'flat', bundleId }], request, hear, new AbortController().signal);
    let [ring, inside] = [0, 0];
    for (let y = 0; y < result.height; y++) {
      for (let x = 0; x < result.width; x++) {
        const off = Math.max(...COLOUR.map((value, c) => Math.abs((result.rgba8[4 * (y * result.width + x) + c] ?? 0) - value)));
        if (Math.min(x, y, result.width - 1 - x, result.height - 1 - y) < RING) ring = Math.max(ring, off);
        else inside = Math.max(inside, off);
      }
    }
    expect(ring).toBeLessThanOrEqual(inside + MORE);
    expect(ring).toBeLessThanOrEqual(OFF);
  });
});
