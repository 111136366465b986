import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { loadVips } from '../../../../cli/vips.ts';
import { DEFAULT_SAVE_OPTIONS, type SaveOptions } from '../../../../src/protocol/picture-file.ts';
import type { Image8 } from '../../../../src/protocol/request.ts';
import { VipsCodec } from '../../../../workers/imaging/vips-codec.ts';
import { colourChart, softPicture, strokes } from '../../../support/charts.ts';
import { maxDifference, opaque } from '../../../support/golden.ts';
import { gradient } from '../../../support/nano.ts';

/** Levels of 255 that a change of colour space may round away. */
const ROUNDING = 2;
/** Levels that lossy formats may change of soft shapes, at their best quality. */
const LOSS = 6;

const codec = new VipsCodec(loadVips);

const raw = ({ height, width, rgba8 }: Image8): Sharp => sharp(Buffer.from(rgba8.buffer), { raw: { height, width, channels: 4 } });

async function decode(file: Uint8Array): Promise<Image8> {
  return (await codec.decode(new Uint8Array(file), 'a picture')).image;
}

async function encode(image: Image8, options: Partial<SaveOptions> = {}): Promise<Uint8Array<ArrayBuffer>> {
  const file = await codec.encode({ image, source: null, options: { ...DEFAULT_SAVE_OPTIONS, ...options }, texts: {} });
  return new Uint8Array(await file.arrayBuffer());
}

/** Colours of 16 bits that no picture of 8 bits holds. */
function deep(height: number, width: number): Image8 & { readonly rgba16: Uint16Array<ArrayBuffer> } {
  const rgba16 = new Uint16Array(4 * height * width);
  for (let i = 0; i < height * width; i++) rgba16.set([i * 53, 65_535 - i * 31, 257 * 3 + 129, 65_535], 4 * i);
  return { height, width, rgba8: Uint8ClampedArray.from(rgba16, (value) => value / 257), rgba16 };
}

describe('decoding', () => {
  const flags = opaque(2, 3, [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 10, 20, 30]);

  it.each<[string, (from: Sharp) => Sharp, number]>([
    ['PNG', (from) => from.png(), 0],
    ['PNG, interlaced', (from) => from.png({ progressive: true }), 0],
    ['WebP without loss', (from) => from.webp({ lossless: true }), 0],
    ['TIFF', (from) => from.removeAlpha().tiff({ compression: 'lzw' }), 0],
    ['AVIF', (from) => from.avif({ quality: 95, chromaSubsampling: '4:4:4' }), LOSS],
    ['WebP', (from) => from.webp({ quality: 100 }), LOSS],
    ['JPEG', (from) => from.removeAlpha().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }), LOSS],
  ])('gives the pixels of %s', async (_, write, bound) => {
    const picture = bound === 0 ? gradient(21, 34) : softPicture(21, 34);
    const file = await write(raw(picture)).toBuffer();
    expect(await codec.inspect(new Uint8Array(file), 'a picture')).toEqual({ height: 21, width: 34 });
    const image = await decode(file);
    expect([image.height, image.width]).toEqual([21, 34]);
    expect(maxDifference(image.rgba8, picture.rgba8)).toBeLessThanOrEqual(bound);
  });

  it.each<[string, (from: Sharp) => Sharp]>([
    ['GIF', (from) => from.gif({ effort: 1, dither: 0 })],
    ['PNG with a palette', (from) => from.png({ palette: true, dither: 0, quality: 100 })],
  ])('gives the pixels of %s', async (_, write) => {
    expect((await decode(await write(raw(flags)).toBuffer())).rgba8).toEqual(flags.rgba8);
  });

  it.each([8, 16] as const)('spreads grey of %d bits over three channels', async (depth) => {
    const shade = (i: number): number => (depth === 16 ? (i * 2621) % 65_536 : (i * 11) % 256);
    const grey = Array.from({ length: 12 }, (_, i) => shade(i));
    const data = depth === 16 ? Uint16Array.from(grey) : Uint8Array.from(grey);
    const png = await sharp(data, { raw: { height: 3, width: 4, channels: 1 } })
      .toColourspace(depth === 16 ? 'grey16' : 'b-w')
      .png()
      .toBuffer();
    const { image, source } = await codec.decode(new Uint8Array(png), 'grey.png');
    expect(source.depth).toBe(depth);
    const expected = grey.flatMap((value) => {
      const level = depth === 16 ? Math.round(value / 257) : value;
      return [level, level, level, 255];
    });
    expect([...image.rgba8]).toEqual(expected);
  });

  it('keeps straight alpha and the colour beneath it', async () => {
    const picture = strokes(16, 20, [200, 40, 90]);
    expect((await decode(await raw(picture).png().toBuffer())).rgba8).toEqual(picture.rgba8);
  });

  it('gives the 16 bits of a file that has them where they are asked for, transparency too', async () => {
    const rgba16 = deep(9, 14).rgba16.map((value, i) => (i % 4 === 3 ? 65_535 - 97 * i : value));
    const picture = { height: 9, width: 14, rgba8: Uint8ClampedArray.from(rgba16, (value) => value / 257), rgba16 };
    const file = await encode(picture, { depth: 16 });
    expect((await codec.decode(file, 'deep.png', true)).image).toEqual(picture);
    expect((await codec.decode(file, 'deep.png')).image).toEqual({ height: 9, width: 14, rgba8: picture.rgba8 });
    const narrow = await encode(picture);
    expect((await codec.decode(narrow, 'narrow.png', true)).image.rgba16).toBeUndefined();
  });

  it('takes the first frame of an animation', async () => {
    const frames = Buffer.concat([Buffer.alloc(300, Buffer.from([255, 0, 0])), Buffer.alloc(300, Buffer.from([0, 0, 255]))]);
    const gif = await sharp(frames, { raw: { height: 20, width: 10, channels: 3, pageHeight: 10 } as never })
      .gif()
      .toBuffer();
    const image = await decode(gif);
    expect([image.height, image.width, ...image.rgba8.subarray(0, 4)]).toEqual([10, 10, 255, 0, 0, 255]);
  });
});

describe('encoding', () => {
  it.each<[Partial<SaveOptions>, number]>([
    [{ format: 'png' }, 0],
    [{ format: 'png', depth: 16 }, 0],
    [{ format: 'jpeg', quality: 100 }, LOSS],
    [{ format: 'webp', quality: 100 }, LOSS],
  ])('%j is read by another program as it was', async (options, bound) => {
    const picture = bound === 0 ? gradient(33, 50) : softPicture(33, 50);
    const { data, info } = await sharp(await encode(picture, options))
      .toColourspace('srgb')
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.height, info.width]).toEqual([33, 50]);
    expect(maxDifference(data, picture.rgba8)).toBeLessThanOrEqual(bound);
  });

  it('writes 16 bits where they are asked for, and 8 of the same picture', async () => {
    const picture = deep(12, 17);
    const wide = await sharp(await encode(picture, { depth: 16 }))
      .toColourspace('rgb16')
      .raw({ depth: 'ushort' })
      .toBuffer();
    const rgb = [...picture.rgba16].filter((_, i) => i % 4 !== 3);
    expect([...new Uint16Array(wide.buffer, wide.byteOffset, wide.length / 2)]).toEqual(rgb);
    const narrow = await sharp(await encode(picture))
      .raw()
      .toBuffer();
    expect([...narrow]).toEqual(rgb.map((value) => Math.round(value / 257)));
  });

  it('widens 8 bits to 16 so that black and white stay black and white', async () => {
    const wide = await sharp(await encode(opaque(1, 3, [0, 0, 0, 255, 255, 255, 1, 128, 254]), { depth: 16 }))
      .toColourspace('rgb16')
      .raw({ depth: 'ushort' })
      .toBuffer();
    const values = [...new Uint16Array(wide.buffer, wide.byteOffset, wide.length / 2)];
    expect(values).toEqual([0, 0, 0, 255, 255, 255, 1, 128, 254].map((value) => value * 257));
  });

  it('writes no alpha where nothing is transparent, keeps it in PNG and WebP, and puts white under it in JPEG', async () => {
    const picture = strokes(16, 20, [200, 40, 90]);
    expect((await sharp(await encode(gradient(4, 4))).metadata()).channels).toBe(3);
    for (const format of ['png', 'webp'] as const) {
      const { data } = await sharp(await encode(picture, { format }))
        .raw()
        .toBuffer({ resolveWithObject: true });
      const alpha = [...data].filter((_, i) => i % 4 === 3);
      expect(alpha).toEqual([...picture.rgba8].filter((_, i) => i % 4 === 3));
    }
    const { data } = await sharp(await encode(picture, { format: 'jpeg', quality: 100 }))
      .raw()
      .toBuffer({ resolveWithObject: true });
    const hidden = Array.from({ length: 16 * 20 }, (_, i) => i).filter((i) => picture.rgba8[4 * i + 3] === 0);
    const levels = hidden.flatMap((i) => [...data.subarray(3 * i, 3 * i + 3)]);
    expect(levels.reduce((sum, level) => sum + level, 0) / levels.length).toBeGreaterThan(255 - LOSS);
  });

  it('is smaller at a lower quality', async () => {
    for (const format of ['jpeg', 'webp'] as const) {
      const [low, high] = [
        await encode(gradient(64, 64), { format, quality: 20 }),
        await encode(gradient(64, 64), { format, quality: 95 }),
      ];
      expect(low.length).toBeLessThan(high.length);
    }
  });

  it('refuses sides a format has no room for', async () => {
    const long = { height: 1, width: 16_384, rgba8: new Uint8ClampedArray(4 * 16_384) };
    await expect(encode(long, { format: 'webp' })).rejects.toMatchObject({ code: 'option-invalid' });
    expect((await decode(await encode(long))).width).toBe(16_384);
  });
});

describe('a chart of saturated colours one pixel wide', () => {
  const chart = colourChart(48, 64);

  it.each<[string, Partial<SaveOptions>, number]>([
    ['PNG', {}, 0],
    ['PNG of 16 bits', { depth: 16 }, 0],
    // its own rounding and coarsest step at the best quality; subsampled colour would be off by a hundred
    ['JPEG', { format: 'jpeg', quality: 100 }, 4],
  ])('comes through %s', async (_, options, bound) => {
    const again = await decode(await encode(await decode(await encode(chart)), options));
    expect(maxDifference(again.rgba8, chart.rgba8)).toBeLessThanOrEqual(Math.max(bound, bound === 0 ? ROUNDING : 0));
  });
});

describe('a codec whose instance crashed', () => {
  it('loads another', async () => {
    let loads = 0;
    const crashes: unknown[] = [];
    const fragile = new VipsCodec(
      async () => {
        loads++;
        const vips = await loadVips();
        return loads > 1 ? vips : ({ ...vips, Image: { newFromBuffer: unreachable } } as unknown as typeof vips);
      },
      (error) => crashes.push(error),
    );
    const png = await encode(gradient(5, 6));
    await expect(fragile.decode(png, 'a.png')).rejects.toMatchObject({ code: 'image-truncated' });
    expect(crashes).toHaveLength(1);
    expect((await fragile.decode(png, 'a.png')).image.width).toBe(6);
    expect(loads).toBe(2);
  });
});

/** What a WASM module does when it must not go on. */
function unreachable(): never {
  const module = new WebAssembly.Module(
    Uint8Array.from([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 5, 1, 3, 0, 0, 11]),
  );
  (new WebAssembly.Instance(module).exports['f'] as () => void)();
  throw new Error('expected a trap');
}
