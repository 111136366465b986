import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadVips } from '../../../../cli/vips.ts';
import { resizePicture } from '../../../../src/core/resize.ts';
import { DEFAULT_SAVE_OPTIONS, type OpenedPicture, type SaveOptions } from '../../../../src/protocol/picture-file.ts';
import type { Image8, Region } from '../../../../src/protocol/request.ts';
import { pngChunk } from '../../../../workers/imaging/png-chunks.ts';
import { VipsCodec } from '../../../../workers/imaging/vips-codec.ts';
import { checkDecoded } from '../../../../workers/imaging/vips-decode.ts';
import type { VipsModule } from '../../../../workers/imaging/vips-module.ts';
import { softPicture } from '../../../support/charts.ts';
import { maxDifference, opaque } from '../../../support/golden.ts';

/** Levels of 255 that two conversions between spaces may round away. */
const ROUNDING = 1;
const SIZE = 12;
const SCALE = 2;

const codec = new VipsCodec(loadVips);
let vips: VipsModule;
beforeAll(async () => {
  vips = await loadVips();
});

/** What stands for a run: the decoded picture at twice its size. */
function enlarged({ image }: OpenedPicture): Image8 {
  return resizePicture(image, SCALE * image.height, SCALE * image.width, 'bilinear');
}

async function save(
  opened: OpenedPicture,
  image: Image8,
  options: Partial<SaveOptions> = {},
  region: Region | null = null,
): Promise<Uint8Array> {
  const { source } = opened;
  const file = await codec.encode({ image, source, region, options: { ...DEFAULT_SAVE_OPTIONS, ...options }, texts: {} });
  return new Uint8Array(await file.arrayBuffer());
}

/** A file's numbers as they stand, whatever its profile says. */
async function numbers(file: Uint8Array, bits: 8 | 16 = 8): Promise<ArrayLike<number>> {
  const raw = sharp(file, { ignoreIcc: true }).removeAlpha();
  if (bits === 8) return raw.toColourspace('srgb').raw().toBuffer();
  const { buffer, byteOffset, length } = await raw.toColourspace('rgb16').raw({ depth: 'ushort' }).toBuffer();
  return new Uint16Array(buffer, byteOffset, length / 2);
}

/** One colour in a profile. */
function patch(colour: readonly [number, number, number], icc: Uint8Array): Uint8Array<ArrayBuffer> {
  vips.FS.writeFile('/patch.icc', icc);
  const pixels = new Uint8Array(SIZE * SIZE * 3).map((_, i) => colour[i % 3] ?? 0);
  const image = vips.Image.newFromMemory(pixels, SIZE, SIZE, 3, 'uchar' as never).copy({ interpretation: 'srgb' });
  image.setBlob('icc-profile-data', icc);
  return image.pngsaveBuffer({ keep: 'icc' }).slice() as Uint8Array<ArrayBuffer>;
}

describe('colours that sRGB has no room for', () => {
  it.each<[number, number, number]>([
    [255, 0, 0],
    [0, 255, 0],
    [255, 0, 255],
    [30, 240, 90],
    [128, 128, 128],
  ])('%d %d %d of Display P3 is itself in the result', async (...colour) => {
    const opened = await codec.decode(patch(colour, vips.Image.profileLoad('p3')), 'wide.png');
    const found = await numbers(await save(opened, enlarged(opened)));
    for (let i = 0; i < found.length; i++) expect(Math.abs((found[i] ?? 0) - (colour[i % 3] ?? 0))).toBeLessThanOrEqual(ROUNDING);
  });

  it('come back into the part of the picture that was enlarged, from there', async () => {
    const [left, right] = [patch([255, 0, 0], vips.Image.profileLoad('p3')), patch([128, 128, 128], vips.Image.profileLoad('p3'))];
    const both = vips.Image.newFromBuffer(left).join(vips.Image.newFromBuffer(right), 'horizontal' as never);
    const opened = await codec.decode(both.pngsaveBuffer({ keep: 'icc' }).slice() as Uint8Array<ArrayBuffer>, 'wide.png');
    const region = { top: 2, left: SIZE + 4, height: 6, width: 6 };
    const found = await numbers(await save(opened, opaque(12, 12, new Array<number>(432).fill(128)), {}, region));
    for (const value of [...Array.from(found)]) expect(Math.abs(value - 128)).toBeLessThanOrEqual(ROUNDING);
  });

  it('are not kept beside a picture that has none', async () => {
    const opened = await codec.decode(patch([120, 110, 100], vips.Image.profileLoad('p3')), 'tame.png');
    expect(opened.source.icc).not.toBeNull();
    expect(opened.source.beyond).toBeNull();
  });
});

/** A PNG of RGB pixels in a row, with chunks before them. */
function png(pixels: readonly (readonly number[])[], bits: 8 | 16, chunks: readonly Uint8Array[] = []): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, pixels.length);
  new DataView(header.buffer).setUint32(4, 1);
  header.set([bits, 2], 8);
  const samples = pixels.flat().flatMap((value) => (bits === 8 ? [value] : [value >> 8, value & 255]));
  const parts = [
    pngChunk('IHDR', header),
    ...chunks,
    pngChunk('IDAT', deflateSync(Uint8Array.from([0, ...samples]))),
    pngChunk('IEND', new Uint8Array()),
  ];
  return Uint8Array.from([137, 80, 78, 71, 13, 10, 26, 10, ...parts.flatMap((part) => [...part])]);
}

describe('16 bits', () => {
  it('go in and come out: what 8 bits would round away is in the result', async () => {
    const fine = Array.from({ length: 24 }, (_, i) => [5_000 + 40 * i, 5_020 + 40 * i, 60_000 - 40 * i]);
    const opened = await codec.decode(png(fine, 16), 'fine.png');
    const found = await numbers(await save(opened, opened.image, { depth: 16 }), 16);
    expect(maxDifference(found, fine.flat())).toBeLessThanOrEqual(2);
    const coarse = await codec.decode(
      png(
        fine.map((pixel) => pixel.map((value) => Math.round(value / 257))),
        8,
      ),
      'coarse.png',
    );
    expect(coarse.image.rgba8).toEqual(opened.image.rgba8);
    expect(maxDifference(await numbers(await save(coarse, coarse.image, { depth: 16 }), 16), found)).toBeGreaterThan(60);
  });
});

describe('what PNG says of its colours', () => {
  const words = (...values: readonly number[]): Uint8Array => {
    const bytes = new Uint8Array(4 * values.length);
    for (const [i, value] of values.entries()) new DataView(bytes.buffer).setUint32(4 * i, value);
    return bytes;
  };
  const [SRGB, P3] = [
    [31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000],
    [31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000],
  ];
  const gama = (value: number): Uint8Array => pngChunk('gAMA', words(value));
  const chrm = (values: readonly number[] = []): Uint8Array => pngChunk('cHRM', words(...values));
  const cicp = (...values: readonly number[]): Uint8Array => pngChunk('cICP', Uint8Array.from(values));
  const PIXELS = [
    [64, 64, 64],
    [10, 20, 30],
    [200, 120, 60],
  ];

  // as Chromium 156 draws them
  it.each<[string, readonly Uint8Array[], readonly number[]]>([
    ['nothing', [], [64, 64, 64, 10, 20, 30, 200, 120, 60]],
    ['gamma 1', [gama(100_000)], [137, 137, 137, 56, 79, 96, 229, 183, 133]],
    ['gamma 1.8', [gama(55_556)], [81, 81, 81, 10, 26, 40, 210, 139, 77]],
    ['the gamma of ordinary files', [gama(45_455)], [64, 64, 64, 10, 20, 30, 200, 120, 60]],
    ['no gamma at all', [gama(0)], [64, 64, 64, 10, 20, 30, 200, 120, 60]],
    ['gamma and sRGB’s primaries', [gama(45_455), chrm(SRGB)], [62, 62, 62, 3, 12, 24, 201, 121, 57]],
    ['gamma and wide primaries', [gama(45_455), chrm(P3)], [62, 62, 62, 1, 12, 25, 214, 116, 38]],
    ['primaries alone', [chrm(P3)], [64, 64, 64, 10, 20, 30, 200, 120, 60]],
    ['sRGB before gamma', [pngChunk('sRGB', Uint8Array.of(0)), gama(100_000)], [64, 64, 64, 10, 20, 30, 200, 120, 60]],
    ['Display P3 by number', [cicp(12, 13, 0, 1)], [64, 64, 64, 7, 20, 31, 213, 115, 42]],
    ['Rec. 2020 by number', [cicp(9, 1, 0, 1)], [53, 54, 54, 0, 8, 19, 235, 96, 22]],
  ])('counts as in a browser: %s', async (_, chunks, expected) => {
    const { image } = await codec.decode(png(PIXELS, 8, chunks), 'said.png');
    const found = [...image.rgba8].filter((_, i) => i % 4 !== 3);
    expect(maxDifference(found, expected)).toBeLessThanOrEqual(2);
  });

  it('makes results in the wide space it names, with all its colours, and sRGB ones of a mere gamma', async () => {
    const wide = await codec.decode(png(new Array(16).fill([255, 0, 0]), 8, [cicp(12, 13, 0, 1)]), 'wide.png');
    const file = await save(wide, wide.image);
    expect((await codec.decode(Uint8Array.from(file), 'again.png')).source.profile).toBe('Display P3');
    expect(maxDifference(await numbers(file), new Array(16).fill([255, 0, 0]).flat() as number[])).toBeLessThanOrEqual(ROUNDING);
    expect((await codec.decode(png(PIXELS, 8, [gama(100_000)]), 'linear.png')).source.icc).toBeNull();
  });

  it.each([16, 18])('is refused by name where it is of high dynamic range (%d)', async (transfer) => {
    await expect(codec.decode(png(PIXELS, 8, [cicp(9, transfer, 0, 1)]), 'bright.png')).rejects.toMatchObject({
      code: 'image-not-an-image',
      message: expect.stringMatching(/high dynamic range \((PQ|HLG)\)/) as string,
    });
  });
});

describe('kinds of TIFF', () => {
  /** A picture as libvips writes it after a change. */
  async function tiff(
    change: (image: ReturnType<VipsModule['Image']['newFromMemory']>) => ReturnType<VipsModule['Image']['newFromMemory']>,
    options: object = {},
  ) {
    const { height, width, rgba8 } = softPicture(14, 18);
    const image = vips.Image.newFromMemory(new Uint8Array(rgba8), width, height, 4, 'uchar' as never).extractBand(0, { n: 3 });
    return change(image.copy({ interpretation: 'srgb' }))
      .tiffsaveBuffer(options)
      .slice() as Uint8Array<ArrayBuffer>;
  }
  const expected = [...softPicture(14, 18).rgba8];

  it.each<[string, Parameters<typeof tiff>[0], object, number]>([
    ['of floating-point numbers', (image) => image.linear(1 / 255, 0).cast('float'), {}, 0],
    ['of 32 bits', (image) => image.linear(16_843_009, 0).cast('uint'), {}, 0],
    ['with 64-bit places', (image) => image, { bigtiff: true }, 0],
    ['in Lab of 16 bits', (image) => image.colourspace('labs'), {}, 1],
  ])('%s opens with its pixels', async (_, change, options, bound) => {
    const { image } = await codec.decode(await tiff(change, options), 'kind.tif');
    expect(maxDifference([...image.rgba8], expected)).toBeLessThanOrEqual(bound);
  });

  it('of floating-point numbers in a profile opens in its colours', async () => {
    const file = await tiff((image) => {
      const wide = image
        .linear(1 / 255, 0)
        .cast('float')
        .copy();
      wide.setBlob('icc-profile-data', vips.Image.profileLoad('p3'));
      return wide;
    });
    const { image, source } = await codec.decode(file, 'wide.tif');
    expect(source.profile).toMatch(/P3/);
    // the same numbers in 8 bits, read another way
    const eight = await tiff((plain) => {
      const wide = plain.copy();
      wide.setBlob('icc-profile-data', vips.Image.profileLoad('p3'));
      return wide;
    });
    expect(maxDifference([...image.rgba8], [...(await codec.decode(eight, 'eight.tif')).image.rgba8])).toBeLessThanOrEqual(ROUNDING);
    expect(maxDifference([...image.rgba8], expected)).toBeGreaterThan(3);
  });

  it.each<[string, Parameters<typeof tiff>[0]]>([
    ['brighter than white', (image) => image.cast('float')],
    ['64 bits', (image) => image.cast('double')],
    ['signed', (image) => image.linear(1, -100).cast('short')],
    ['complex', (image) => image.cast('float').complexform(image.cast('float')) as never],
  ])('%s is refused in so many words', async (word, change) => {
    await expect(codec.decode(await tiff(change), 'odd.tif')).rejects.toMatchObject({
      code: 'image-not-an-image',
      message: expect.stringContaining(word) as string,
    });
  });
});

describe('inks without a profile', () => {
  it('look as they do in a browser', async () => {
    const inks = new Uint8Array(8 * 8 * 4).map((_, i) => [100, 50, 200, 30][i % 4] ?? 0);
    const image = vips.Image.newFromMemory(inks, 8, 8, 4, 'uchar' as never).copy({ interpretation: 'cmyk' });
    const { image: seen } = await codec.decode(image.jpegsaveBuffer({ Q: 100 }).slice() as Uint8Array<ArrayBuffer>, 'inks.jpg');
    expect(maxDifference([...seen.rgba8.subarray(0, 4)], [137, 181, 48, 255])).toBeLessThanOrEqual(2);
  });
});

describe('grey pictures', () => {
  it.each([8, 16] as const)('of %d bits are written in one channel, alpha beside it', async (depth) => {
    const grey = opaque(
      5,
      6,
      Array.from({ length: 90 }, (_, i) => 7 * Math.floor(i / 3)),
    );
    const source = null;
    const options = { ...DEFAULT_SAVE_OPTIONS, depth };
    const file = async (image: Image8) =>
      sharp(new Uint8Array(await (await codec.encode({ image, source, options, texts: {} })).arrayBuffer()));
    expect(await (await file(grey)).metadata()).toMatchObject({ channels: 1, depth: depth === 8 ? 'uchar' : 'ushort' });
    const clear = { ...grey, rgba8: grey.rgba8.slice() };
    clear.rgba8[3] = 9;
    expect((await (await file(clear)).metadata()).channels).toBe(2);
    expect(maxDifference(await (await file(clear)).toColourspace('srgb').raw().toBuffer(), clear.rgba8)).toBe(0);
  });
});

describe('a file that decodes to one colour', () => {
  const flat = opaque(2, 2, new Array<number>(12).fill(0));

  it('opens where it is of one', async () => {
    expect((await codec.decode(png(new Array(9).fill([7, 90, 30]), 8), 'flat.png')).image.width).toBe(9);
  });

  it('is refused where it is not', () => {
    expect(() => checkDecoded(flat, 'black.tif', () => 40)).toThrow(expect.objectContaining({ code: 'image-truncated' }));
    expect(() => checkDecoded(flat, 'black.tif', () => 0)).not.toThrow();
    expect(() => checkDecoded(softPicture(3, 3), 'soft.tif', () => 40)).not.toThrow();
  });
});
