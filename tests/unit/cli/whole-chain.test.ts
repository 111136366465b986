import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseOptions } from '../../../cli/options.ts';
import { Upscaler } from '../../../cli/upscaler.ts';
import { fineChart } from '../../support/charts.ts';
import { maxDifference } from '../../support/golden.ts';

/** Of 8 bits, in 16. */
const LEVEL = 257;
const MAX_LEVELS = 2;
/** Graphs that lose nothing: see training/rfsr/export/identity.py. */
const IDENTITY = fileURLToPath(new URL('../../fixtures/identity', import.meta.url));

/** More than a tile of 256 pixels. */
const { height, width, rgba8 } = fineChart(288, 320);
const rgb8 = rgba8.filter((_, i) => i % 4 !== 3);
/** Between the levels of 8 bits. */
const rgb16 = Uint16Array.from(rgb8, (value, i) => Math.min(65535, LEVEL * value + (i % 200)));
const raw = { height, width, channels: 3 } as const;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chain-'));
  const shallow = sharp(rgb8, { raw });
  await shallow.clone().png().toFile(join(folder, 'shallow.png'));
  await shallow.clone().webp({ lossless: true }).toFile(join(folder, 'shallow.webp'));
  await shallow.clone().jpeg({ quality: 90, chromaSubsampling: '4:4:4' }).toFile(join(folder, 'shallow.jpg'));
  await sharp(rgb16, { raw }).toColourspace('rgb16').png().toFile(join(folder, 'deep.png'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The pixels of a file in 16 bits. */
async function pixelsOf(name: string): Promise<Uint16Array> {
  const read = sharp(join(folder, name)).toColourspace('rgb16').raw({ depth: 'ushort' });
  const { data, info } = await read.toBuffer({ resolveWithObject: true });
  expect([info.height, info.width, info.channels]).toEqual([height, width, 3]);
  return new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
}

describe('red and blue stripes of one pixel and thin strokes, from file to file through graphs that lose nothing', () => {
  it.each([
    ['shallow.png', ['--color-fix', 'none']],
    ['shallow.png', ['--color-fix', 'wavelet', '--guidance', '5', '--sampler', 'unipc', '--start-point', 'noise']],
    ['shallow.png', ['--color-fix', 'none', '--tile', '256', '--depth', '16']],
    ['shallow.webp', ['--color-fix', 'adain', '--sampler', 'spaced-ddpm']],
    ['shallow.jpg', ['--color-fix', 'wavelet']],
    ['deep.png', ['--color-fix', 'wavelet', '--depth', '16', '--start-point', 'lr-twice']],
  ])('stay what they are: %s %j', async (name, words) => {
    const [input, output] = [join(folder, name), join(folder, 'out.png')];
    const options = parseOptions([input, output, '--models', IDENTITY, '--scale', '1', '--steps', '3', ...words]);
    if (options === null) throw new Error('expected options');
    const upscaler = new Upscaler(options);
    await upscaler.upscale(input, output, () => {});
    await upscaler.dispose();
    expect(maxDifference(await pixelsOf('out.png'), await pixelsOf(name))).toBeLessThanOrEqual(LEVEL * MAX_LEVELS);
  });

  it.each([
    [3, 64],
    [64, 1],
  ])('stay what they are where a side is shorter than the model sees: %d × %d', async (rows, columns) => {
    const [input, output] = [join(folder, 'narrow.png'), join(folder, 'narrow-out.png')];
    const cut = sharp(rgb8, { raw }).extract({ left: 0, top: 0, height: rows, width: columns });
    await cut.png().toFile(input);
    const options = parseOptions([input, output, '--models', IDENTITY, '--scale', '1', '--steps', '2', '--color-fix', 'none']);
    if (options === null) throw new Error('expected options');
    const upscaler = new Upscaler(options);
    const plan = await upscaler.plan(input);
    await upscaler.upscale(input, output, () => {});
    await upscaler.dispose();
    expect(plan.kind === 'plan' && [plan.working.height, plan.working.width]).toEqual([Math.max(8, rows), Math.max(8, columns)]);
    const [was, is] = await Promise.all([input, output].map((path) => sharp(path).raw().toBuffer()));
    expect(maxDifference(is ?? [], was ?? [])).toBeLessThanOrEqual(MAX_LEVELS);
  });

  it('are read here as they were written', async () => {
    // 8 bits are stretched to 16 in another way
    expect(
      maxDifference(
        await pixelsOf('shallow.png'),
        Uint16Array.from(rgb8, (value) => LEVEL * value),
      ),
    ).toBeLessThan(LEVEL);
    expect(maxDifference(await pixelsOf('deep.png'), rgb16)).toBe(0);
  });
});
