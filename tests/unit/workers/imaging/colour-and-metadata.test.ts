import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadVips } from '../../../../cli/vips.ts';
import { DEFAULT_SAVE_OPTIONS, type OpenedPicture, type SaveOptions } from '../../../../src/protocol/picture-file.ts';
import type { Image8 } from '../../../../src/protocol/request.ts';
import { pngTexts } from '../../../../workers/imaging/png-texts.ts';
import { VipsCodec } from '../../../../workers/imaging/vips-codec.ts';
import type { VipsModule } from '../../../../workers/imaging/vips-module.ts';
import { xmpTexts } from '../../../../workers/imaging/xmp.ts';
import { softPicture, strokes } from '../../../support/charts.ts';
import { maxDifference } from '../../../support/golden.ts';
import { adobeRgb } from '../../../support/profiles.ts';

/** Levels of 255 that a change of colour space, rounded to 8 bits, may cost. */
const ROUNDING = 2;
/** Of a picture stored in 8 bits of a wider space: rounding there is more than a level of sRGB, most in its deepest colours. */
const ROUNDING_WIDE = 3;
/** What JPEG at its best rounds away, seen through the wider space likewise. */
const JPEG_LOSS = 12;
const TEXTS = { 'rfsr-studio': '{"a": "<&>"}', parameters: 'words\nSteps: 3' };

const codec = new VipsCodec(loadVips);
let vips: VipsModule;
beforeAll(async () => {
  vips = await loadVips();
});

/** sRGB pixels as a PNG in another profile. */
function inProfile({ height, width, rgba8 }: Image8, icc: Uint8Array, depth: 8 | 16): Uint8Array<ArrayBuffer> {
  vips.FS.writeFile('/test.icc', icc);
  const image = vips.Image.newFromMemory(new Uint8Array(rgba8), width, height, 4, 'uchar' as never)
    .extractBand(0, { n: 3 })
    .copy({ interpretation: 'srgb' })
    .iccTransform('/test.icc', { input_profile: 'srgb', depth });
  return image.pngsaveBuffer({ keep: 'icc' }).slice() as Uint8Array<ArrayBuffer>;
}

async function save(
  { image, source }: OpenedPicture,
  options: Partial<SaveOptions>,
  texts: Readonly<Record<string, string>> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const file = await codec.encode({ image, source, options: { ...DEFAULT_SAVE_OPTIONS, ...options }, texts });
  return new Uint8Array(await file.arrayBuffer());
}

describe('a colour profile', () => {
  it.each<[string, () => Uint8Array, RegExp, 8 | 16]>([
    ['Display P3', () => vips.Image.profileLoad('p3'), /P3/, 8],
    ['Display P3 of 16 bits', () => vips.Image.profileLoad('p3'), /P3/, 16],
    ['Adobe RGB', adobeRgb, /^Adobe RGB \(1998\)$/, 8],
    ['Adobe RGB of 16 bits', adobeRgb, /^Adobe RGB \(1998\)$/, 16],
  ])('%s is turned into sRGB and back', async (_, icc, name, depth) => {
    const picture = softPicture(20, 30);
    const file = inProfile(picture, icc(), depth);
    const opened = await codec.decode(file, 'wide.png');
    expect(opened.source).toMatchObject({ depth, profile: expect.stringMatching(name) as string });
    expect(maxDifference(opened.image.rgba8, picture.rgba8)).toBeLessThanOrEqual(depth === 8 ? ROUNDING_WIDE : 1);
    // read without looking at the profile, its numbers are others
    const numbers = (bytes: Uint8Array) => sharp(bytes, { ignoreIcc: true }).toColourspace('srgb').raw().toBuffer();
    const [before, after] = [await numbers(file), await numbers(await save(opened, { depth }))];
    expect(
      maxDifference(
        before,
        [...picture.rgba8].filter((_, i) => i % 4 !== 3),
      ),
    ).toBeGreaterThan(8);
    expect(maxDifference(after, before)).toBeLessThanOrEqual(ROUNDING);
    const again = await codec.decode(await save(opened, { format: 'jpeg', quality: 100 }), 'wide.jpg');
    expect(again.source.profile).toMatch(name);
    expect(maxDifference(again.image.rgba8, picture.rgba8)).toBeLessThanOrEqual(JPEG_LOSS);
  });

  it.each([8, 16] as const)('leaves alpha of %d bits as it is', async (depth) => {
    const picture = strokes(12, 18, [200, 120, 90]);
    const { source } = await codec.decode(inProfile(softPicture(4, 4), vips.Image.profileLoad('p3'), 8), 'wide.png');
    const { image } = await codec.decode(await save({ image: picture, source }, { depth }), 'again.png');
    const alpha = ({ rgba8 }: Image8) => rgba8.filter((_, i) => i % 4 === 3);
    expect(alpha(image)).toEqual(alpha(picture));
  });

  it('of CMYK is turned into sRGB, and results stay sRGB', async () => {
    const file = await sharp({ create: { height: 8, width: 8, channels: 3, background: '#c02020' } })
      .toColourspace('cmyk')
      .jpeg({ quality: 100 })
      .toBuffer();
    const { image, source } = await codec.decode(new Uint8Array(file), 'print.jpg');
    expect(source.icc).toBeNull();
    const [red = 0, green = 255, blue = 255] = image.rgba8;
    expect(red).toBeGreaterThan(140);
    expect(Math.max(green, blue)).toBeLessThan(100);
    expect(maxDifference((await codec.decode(await save({ image, source }, {}), 'a.png')).image.rgba8, image.rgba8)).toBe(0);
  });

  it('that is damaged is taken for none', async () => {
    const file = inProfile(softPicture(6, 7), vips.Image.profileLoad('p3'), 8);
    const picture = vips.Image.newFromBuffer(file).copy();
    picture.setBlob('icc-profile-data', new Uint8Array(200).fill(7));
    const { image, source } = await codec.decode(picture.jpegsaveBuffer({ keep: 'icc' }).slice() as Uint8Array<ArrayBuffer>, 'odd.jpg');
    expect(source.icc).toBeNull();
    expect(image.width).toBe(7);
  });
});

describe('EXIF orientation', () => {
  /** Rows of four corners as a person sees them: red, green, blue, white. */
  const UPRIGHT = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [255, 255, 255],
  ];

  it.each([1, 2, 3, 4, 5, 6, 7, 8])('%d is applied, and written back as upright', async (orientation) => {
    const corners = sharp(Buffer.from(UPRIGHT.flat()), { raw: { height: 2, width: 2, channels: 3 } });
    const upright = await corners.resize(40, 32, { kernel: 'nearest', fit: 'fill' }).png().toBuffer();
    // the turn whose undoing the tag asks for
    const stored = await {
      1: sharp(upright),
      2: sharp(upright).flop(),
      3: sharp(upright).rotate(180),
      4: sharp(upright).flip(),
      5: sharp(await sharp(upright).rotate(90).toBuffer()).flop(),
      6: sharp(upright).rotate(270),
      7: sharp(await sharp(upright).rotate(270).toBuffer()).flop(),
      8: sharp(upright).rotate(90),
    }[orientation]
      ?.withMetadata({ orientation })
      .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
      .toBuffer();
    const opened = await codec.decode(new Uint8Array(stored ?? []), 'turned.jpg');
    const { image } = opened;
    expect(await codec.inspect(new Uint8Array(stored ?? []), 'turned.jpg')).toEqual({ height: 32, width: 40 });
    expect([image.height, image.width]).toEqual([32, 40]);
    const seen = [8, 24].flatMap((y) => [10, 30].map((x) => [...image.rgba8.subarray(4 * (40 * y + x), 4 * (40 * y + x) + 3)]));
    expect(maxDifference(seen.flat(), UPRIGHT.flat())).toBeLessThanOrEqual(8);
    for (const format of ['png', 'jpeg', 'webp'] as const) {
      const { orientation: written = 1, width, height } = await sharp(await save(opened, { format })).metadata();
      expect([written, width, height]).toEqual([1, 40, 32]);
    }
  });
});

describe('metadata', () => {
  const XMP =
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" ' +
    'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" tiff:Orientation="6" tiff:ImageWidth="24">' +
    '<dc:title>Harbour</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>';
  let opened: OpenedPicture;
  beforeAll(async () => {
    const file = await sharp({ create: { height: 24, width: 16, channels: 3, background: '#336699' } })
      .withExif({ IFD0: { Make: 'Acme', Orientation: '6' }, IFD3: { GPSLatitudeRef: 'N' } })
      .withXmp(XMP)
      .jpeg()
      .toBuffer();
    opened = await codec.decode(new Uint8Array(file), 'camera.jpg');
  });

  it.each(['png', 'jpeg', 'webp'] as const)('is kept in %s, with sizes and orientation put right, beside the texts', async (format) => {
    const file = await save(opened, { format }, TEXTS);
    const { exif, xmp } = (await codec.decode(file, 'again')).source;
    expect(new TextDecoder('latin1').decode(exif ?? new Uint8Array())).toContain('Acme');
    const text = new TextDecoder().decode(xmp ?? new Uint8Array());
    expect(text).toContain('<dc:title>Harbour</dc:title>');
    expect(text).toContain('tiff:Orientation="1"');
    expect(text).toContain(`tiff:ImageWidth="${opened.image.width}"`);
    const { exif: written } = await sharp(file).metadata();
    expect(written?.toString('latin1')).toContain('Acme');
    expect(format === 'png' ? pngTexts(file) : xmpTexts(file)).toEqual(TEXTS);
  });

  it.each(['png', 'jpeg', 'webp'] as const)('is left out of %s where asked, texts too, but not the profile', async (format) => {
    const wide = await codec.decode(inProfile(softPicture(9, 9), vips.Image.profileLoad('p3'), 8), 'wide.png');
    const file = await save(
      { image: opened.image, source: { ...opened.source, icc: wide.source.icc } },
      { format, metadata: 'strip' },
      TEXTS,
    );
    const { exif, xmp, profile } = (await codec.decode(file, 'again')).source;
    expect([exif, xmp]).toEqual([null, null]);
    expect(profile).toMatch(/P3/);
    expect({ ...pngTexts(file), ...xmpTexts(file) }).toEqual({});
    expect(new TextDecoder('latin1').decode(file)).not.toMatch(/Acme|Harbour|Steps/);
  });

  it('carries the texts of one result, not of the one it was made from', async () => {
    const first = await codec.decode(await save(opened, { format: 'jpeg' }, TEXTS), 'first.jpg');
    const second = { parameters: 'other words' };
    expect(xmpTexts(await save(first, { format: 'webp' }, second))).toEqual(second);
    expect(xmpTexts(await save(first, { format: 'png' }, second))).toEqual({});
  });
});
