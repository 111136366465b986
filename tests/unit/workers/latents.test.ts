import { describe, expect, it } from 'vitest';
import { wholeArea } from '../../../src/core/area.ts';
import { NoiseGenerator } from '../../../src/core/random.ts';
import type { PlaneSource } from '../../../src/core/sources.ts';
import { affine, type Tensor, weightedSum } from '../../../src/core/tensor.ts';
import { centreOf, decoderOf } from '../../../workers/pipelines/shared/latents.ts';
import type { TiledContext } from '../../../workers/pipelines/shared/tiles.ts';
import { nanoManifest } from '../../support/nano.ts';

/** A decoder that anyone can check: every cell's first three channels, each value over 8×8 pixels. */
function decodeCells({ dims: [, , height = 0, width = 0], data }: Tensor): Tensor {
  const [rows, columns] = [8 * height, 8 * width];
  const out = new Float32Array(3 * rows * columns);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < rows; y++) {
      for (let x = 0; x < columns; x++) {
        out[(c * rows + y) * columns + x] = data[(c * height + Math.floor(y / 8)) * width + Math.floor(x / 8)] ?? Number.NaN;
      }
    }
  }
  return { dims: [1, 3, rows, columns], data: out };
}

const manifest = nanoManifest();
let decodings = 0;
const context: TiledContext = {
  manifest,
  tiles: new Map(),
  emit: async () => {},
  moveOn: async () => false,
  run: async (_, { latent }) => {
    decodings++;
    return { rgbPm1: decodeCells(latent as Tensor) };
  },
};
const noise = new NoiseGenerator(5);
const [centre, sample] = [noise.normal([1, 16, 4, 5]), noise.normal([1, 16, 4, 5])];
const planes: Tensor = { dims: [1, 3, 32, 40], data: Float32Array.from({ length: 3 * 32 * 40 }, (_, i) => ((i * 37) % 101) / 101) };
const picture: PlaneSource = { height: 32, width: 40, read: async () => planes };
const read = (source: PlaneSource): Promise<Tensor> => source.read(wholeArea(source));
/** Of values near one, in float32. */
const TOLERANCE = 1e-6;

describe('decoding corrections', () => {
  it('gives the first stage’s picture where sampling changed nothing', async () => {
    const found = await read(decoderOf(context, { picture, latent: centre })(centre));
    for (const [i, value] of found.data.entries()) expect(Math.abs(value - (planes.data[i] ?? 9))).toBeLessThan(TOLERANCE);
  });

  it('adds half of what the decoder’s two pictures in −1…1 differ by', async () => {
    const found = await read(decoderOf(context, { picture, latent: centre })(sample));
    const difference = weightedSum([1 / manifest.latent.scale, sample], [-1 / manifest.latent.scale, centre]);
    const expected = weightedSum([1, planes], [1, affine(decodeCells(difference), 0.5, 0)]);
    for (const [i, value] of found.data.entries()) expect(Math.abs(value - (expected.data[i] ?? 9))).toBeLessThan(1e-5);
  });

  it('decodes the first stage once for all steps that are read alike', async () => {
    const decode = decoderOf(context, { picture, latent: centre });
    decodings = 0;
    for (const latent of [sample, centre, sample]) await read(decode(latent));
    expect(decodings).toBe(4);
  });

  it('is asked for by the bundle, and cannot be without a first stage', () => {
    expect(centreOf({ manifest }, picture, centre)).toBeNull();
    const correcting = { manifest: { ...manifest, image: { ...manifest.image, decoding: 'correction' as const } } };
    expect(centreOf(correcting, picture, centre)).toEqual({ picture, latent: centre });
    expect(() => centreOf(correcting, null, centre)).toThrow(/expected seesr-nano to have a first stage/);
  });
});
