import { createHash } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { loadVips } from '../../../../cli/vips.ts';
import { DEFAULT_SAVE_OPTIONS, type OpenedPicture, type SaveFormat } from '../../../../src/protocol/picture-file.ts';
import type { Region } from '../../../../src/protocol/request.ts';
import { jpegXmp } from '../../../../workers/imaging/jpeg-head.ts';
import { saysLocation, withoutLocation } from '../../../../workers/imaging/location.ts';
import { md5 } from '../../../../workers/imaging/md5.ts';
import { studioTexts } from '../../../../workers/imaging/owned-texts.ts';
import { pngChunk } from '../../../../workers/imaging/png-chunks.ts';
import { pngTexts } from '../../../../workers/imaging/png-texts.ts';
import { VipsCodec } from '../../../../workers/imaging/vips-codec.ts';
import { xmpTexts } from '../../../../workers/imaging/xmp.ts';
import { softPicture } from '../../../support/charts.ts';

const FORMATS = ['png', 'jpeg', 'webp'] as const;
const TEXTS = { 'rfsr-studio': '{"seed":1}', parameters: 'our words' };
const codec = new VipsCodec(loadVips);
const picture = () => sharp(Buffer.from(softPicture(12, 16).rgba8.buffer), { raw: { height: 12, width: 16, channels: 4 } }).removeAlpha();

function xmpPacket(inner: string, namespaces = ''): string {
  return `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" ${namespaces}>${inner}</rdf:Description></rdf:RDF></x:xmpmeta>`;
}

async function open(file: Uint8Array): Promise<OpenedPicture> {
  return codec.decode(Uint8Array.from(file), 'carrier');
}

/** The picture again, as a result of it would be written. */
async function save(opened: OpenedPicture, format: SaveFormat, region: Region | null = null): Promise<Uint8Array<ArrayBuffer>> {
  const file = await codec.encode({ ...opened, region, options: { ...DEFAULT_SAVE_OPTIONS, format }, texts: TEXTS });
  return new Uint8Array(await file.arrayBuffer());
}

const xmpOf = async (file: Uint8Array): Promise<string> => new TextDecoder().decode((await open(file)).source.xmp ?? new Uint8Array());

/** A JPEG with segments after its first two bytes. */
const withSegments = (jpeg: Uint8Array, ...segments: readonly (readonly [marker: number, data: Uint8Array])[]): Uint8Array =>
  Uint8Array.from([
    ...jpeg.subarray(0, 2),
    ...segments.flatMap(([marker, data]) => [0xff, marker, (data.length + 2) >> 8, (data.length + 2) & 255, ...data]),
    ...jpeg.subarray(2),
  ]);

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (sign) => sign.charCodeAt(0));

describe('resolution', () => {
  it.each(FORMATS)('of 300 dpi stays so in %s', async (format) => {
    for (const file of [
      await picture().withMetadata({ density: 300 }).png().toBuffer(),
      await picture().withMetadata({ density: 300 }).jpeg().toBuffer(),
      await picture()
        .tiff({ xres: 300 / 25.4, yres: 300 / 25.4 })
        .toBuffer(),
    ]) {
      const { density } = await sharp(await save(await open(file), format)).metadata();
      // WebP has no place for it outside of EXIF
      if (format !== 'webp') expect(density).toBe(300);
    }
  });

  it('of a file that says none is 72 dpi', async () => {
    expect((await sharp(await save(await open(await picture().png().toBuffer()), 'jpeg')).metadata()).density).toBe(72);
  });
});

describe('PNG texts', () => {
  const foreign = async (): Promise<Uint8Array> => {
    const file = await picture().png().toBuffer();
    const chunks = [
      pngChunk('tEXt', latin1('parameters\0a tree\nSteps: 40')),
      pngChunk('tEXt', latin1('Author\0A. Tester')),
      pngChunk('iTXt', new TextEncoder().encode('Title\0\0\0ru\0Заголовок\0Дерево')),
      pngChunk('zTXt', Uint8Array.from([...latin1('Comment\0\0'), ...deflateSync('packed words')])),
    ];
    return Uint8Array.from([...file.subarray(0, 33), ...chunks.flatMap((chunk) => [...chunk]), ...file.subarray(33)]);
  };

  it('of another program stay, as they are; the studio’s go beside them, in every generation', async () => {
    let file = await foreign();
    for (let generation = 0; generation < 3; generation++) {
      file = await save(await open(file), 'png');
      const texts = pngTexts(file);
      expect(texts).toMatchObject({ parameters: 'a tree\nSteps: 40', Author: 'A. Tester', 'rfsr-studio': TEXTS['rfsr-studio'] });
      expect(studioTexts(texts)).toEqual(TEXTS);
      const { texts: kept } = (await open(file)).source;
      expect(Object.fromEntries(kept.map(({ keyword, text }) => [keyword, text]))).toMatchObject({
        Title: 'Дерево',
        Comment: 'packed words',
      });
      expect(kept.filter(({ keyword }) => keyword === 'Author')).toHaveLength(1);
    }
  });

  it('are the studio’s alone where no other program wrote any, also after a result of its own', async () => {
    const first = await save(await open(await picture().png().toBuffer()), 'png');
    expect(pngTexts(await save(await open(first), 'png'))).toEqual(TEXTS);
  });

  it.each(['jpeg', 'webp'] as const)('are XMP in %s', async (format) => {
    const file = await save(await open(await foreign()), format);
    const xmp = await xmpOf(file);
    expect(xmp).toContain('<dc:creator><rdf:Seq><rdf:li>A. Tester</rdf:li></rdf:Seq></dc:creator>');
    for (const text of ['Дерево', 'parameters: a tree\nSteps: 40', 'Comment: packed words']) expect(xmp).toContain(text);
    expect(xmpTexts(file)).toEqual(TEXTS);
  });
});

describe('IPTC', () => {
  const dataSet = (record: number, kind: number, text: string): string =>
    String.fromCharCode(0x1c, record, kind, text.length >> 8, text.length & 255) + text;
  const iim = dataSet(2, 120, 'Harbour & dawn') + dataSet(2, 25, 'sea') + dataSet(2, 25, 'ship') + dataSet(2, 116, '(c) A. Tester');
  const app13 = latin1(
    `Photoshop 3.0\x008BIM\x04\x04\0\0\0\0${String.fromCharCode(iim.length >> 8, iim.length & 255)}${iim}${iim.length % 2 ? '\0' : ''}`,
  );
  const carrier = async () => open(withSegments(await picture().jpeg().toBuffer(), [0xed, app13]));

  it('stays IPTC in JPEG', async () => {
    const { iptc } = (await open(await save(await carrier(), 'jpeg'))).source;
    expect(new TextDecoder('latin1').decode(iptc ?? new Uint8Array())).toContain(iim);
  });

  it.each(['png', 'webp'] as const)('is XMP in %s, but where that says it already', async (format) => {
    const xmp = await xmpOf(await save(await carrier(), format));
    expect(xmp).toContain('<dc:subject><rdf:Bag><rdf:li>sea</rdf:li><rdf:li>ship</rdf:li></rdf:Bag></dc:subject>');
    expect(xmp).toContain('<rdf:li xml:lang="x-default">Harbour &amp; dawn</rdf:li>');
    expect(xmp).toContain('(c) A. Tester');
    const opened = await carrier();
    const said = new TextEncoder().encode(xmpPacket('<dc:description>Another</dc:description>'));
    const again = await xmpOf(await save({ ...opened, source: { ...opened.source, xmp: said } }, format));
    expect(again).not.toContain('Harbour');
    expect(again).toContain('Another');
  });
});

describe('XMP beyond one segment of a JPEG', () => {
  const packet = xmpPacket(`<dc:title>Harbour</dc:title><dc:description>${'long text '.repeat(14_000)}</dc:description>`);
  const carrier = async () => {
    const opened = await open(await picture().png().toBuffer());
    return { ...opened, source: { ...opened.source, xmp: new TextEncoder().encode(packet) } };
  };

  it('is written as an extended packet, title and recipe in the main one, and read again whole', async () => {
    const file = await save(await carrier(), 'jpeg');
    const { xmp: main } = await sharp(file).metadata();
    expect(main?.toString()).toContain('<dc:title>Harbour</dc:title>');
    expect(main?.toString()).toMatch(/xmpNote:HasExtendedXMP="[0-9A-F]{32}"/);
    expect(xmpTexts(file)).toEqual(TEXTS);
    const whole = new TextDecoder().decode(jpegXmp(file) ?? new Uint8Array());
    expect(whole.match(/long text /g)).toHaveLength(14_000);
    expect(whole).not.toContain('HasExtendedXMP');
    const again = await save(await open(file), 'jpeg');
    expect(new TextDecoder().decode(jpegXmp(again) ?? new Uint8Array()).match(/long text /g)).toHaveLength(14_000);
  });

  it('is named by its digest', () => {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 1000]) {
      const bytes = new Uint8Array(length).map((_, i) => (i * 7) % 256);
      expect(md5(bytes)).toBe(createHash('md5').update(bytes).digest('hex').toUpperCase());
    }
  });
});

describe('what stood beside the picture', () => {
  const HDR =
    'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" xmlns:Container="http://ns.google.com/photos/1.0/container/" hdrgm:Version="1.0"';
  const directory =
    '<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item/></rdf:li></rdf:Seq></Container:Directory>';

  it('is not claimed any more, and a notice says so', async () => {
    const jpeg = await picture()
      .withXmp(xmpPacket(`${directory}<dc:title>Harbour</dc:title>`, HDR))
      .jpeg()
      .toBuffer();
    const opened = await open(jpeg);
    expect(opened.source.notices).toEqual([expect.stringContaining('gain map')]);
    const xmp = await xmpOf(await save(opened, 'jpeg'));
    expect(xmp).not.toMatch(/hdrgm:Version|Container:Directory|<rdf:li rdf:parseType/);
    expect(xmp).toContain('<dc:title>Harbour</dc:title>');
  });

  it('a thumbnail goes, the rest of EXIF stays', async () => {
    const thumbnail = await sharp({ create: { height: 6, width: 8, channels: 3, background: '#ff0000' } })
      .jpeg()
      .toBuffer();
    const exif = tiffWith(thumbnail);
    const opened = await open(withSegments(await picture().jpeg().toBuffer(), [0xe1, Uint8Array.from([...latin1('Exif\0\0'), ...exif])]));
    for (const format of FORMATS) {
      const { exif: kept } = (await open(await save(opened, format))).source;
      const text = new TextDecoder('latin1').decode(kept ?? new Uint8Array());
      expect(text).toContain('Acme');
      expect(text).not.toContain('JFIF');
    }
  });

  /** Big-endian EXIF of a maker, and a second directory with a thumbnail. */
  function tiffWith(thumbnail: Uint8Array): Uint8Array {
    const first = [0, 1, 0x01, 0x0f, 0, 2, 0, 0, 0, 5, 0, 0, 0, 26, 0, 0, 0, 32];
    const at = 32 + 2 + 24 + 4;
    const second = [
      0,
      2,
      0x02,
      0x01,
      0,
      4,
      0,
      0,
      0,
      1,
      0,
      0,
      0,
      at,
      0x02,
      0x02,
      0,
      4,
      0,
      0,
      0,
      1,
      0,
      0,
      thumbnail.length >> 8,
      thumbnail.length & 255,
    ];
    return Uint8Array.from([...latin1('MM\0*'), 0, 0, 0, 8, ...first, ...latin1('Acme\0\0'), ...second, 0, 0, 0, 0, ...thumbnail]);
  }
});

describe('what is told in pixels', () => {
  const PANORAMA =
    'xmlns:GPano="http://ns.google.com/photos/1.0/panorama/" GPano:CroppedAreaImageWidthPixels="8" GPano:FullPanoWidthPixels="20" GPano:ProjectionType="x"';

  it('grows with the picture, and goes where a part of it is shown', async () => {
    const opened = await open(await picture().withXmp(xmpPacket('', PANORAMA)).jpeg().toBuffer());
    // the result is twice as wide as the panorama said of itself
    expect(await xmpOf(await save(opened, 'jpeg'))).toMatch(/CroppedAreaImageWidthPixels="16" GPano:FullPanoWidthPixels="40"/);
    expect(await xmpOf(await save(opened, 'jpeg', { top: 0, left: 0, height: 4, width: 4 }))).not.toContain('FullPano');
  });
});

describe('pages and frames', () => {
  const colours = ['#ff0000', '#00ff00', '#0000ff'];
  const frames = () =>
    sharp(
      colours.map((background) => ({ create: { height: 8, width: 8, channels: 3, background } }) as never),
      { join: { animated: true } },
    );

  it.each([
    ['gif', 'frames'],
    ['tiff', 'pages'],
    ['webp', 'frames'],
  ] as const)('of %s are counted, told, and chosen', async (format, word) => {
    const file = new Uint8Array(await frames().toFormat(format, { lossless: true }).toBuffer());
    const first = await codec.decode(file, 'several');
    expect(first.source).toMatchObject({ pages: 3, notices: [`“several” has 3 ${word}; number 1 was taken.`] });
    const third = await codec.decode(file, 'several', false, 2);
    // those of a TIFF are JPEG inside
    expect(Math.min(first.image.rgba8[0] ?? 0, third.image.rgba8[2] ?? 0)).toBeGreaterThan(250);
    expect(third.image.height).toBe(8);
    await expect(codec.decode(file, 'several', false, 3)).rejects.toMatchObject({
      code: 'option-invalid',
      message: expect.stringContaining('3 pages') as string,
    });
  });
});

describe('where a picture was taken', () => {
  const DRONE = 'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:drone="http://example.org/drone/" drone:GpsLatitude="+48.85"';
  const PLACE = '<exif:GPSLatitude>48,51.5N</exif:GPSLatitude><dc:title>Harbour</dc:title>';
  const located = (): Promise<Buffer> =>
    picture()
      .withExif({ IFD0: { Make: 'Acme' }, IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '48/1 51/1 3000/100' } })
      .withXmp(xmpPacket(PLACE, DRONE))
      .jpeg()
      .toBuffer();

  it.each(FORMATS)('is not told by a %s unless asked for; all else stays', async (format) => {
    const opened = await open(await located());
    expect(opened.source.located).toBe(true);
    const file = await save(opened, format);
    const again = (await open(file)).source;
    expect(again.located).toBe(false);
    expect(new TextDecoder('latin1').decode(again.exif ?? new Uint8Array())).toContain('Acme');
    const xmp = new TextDecoder().decode(again.xmp ?? new Uint8Array());
    expect(xmp).toContain('<dc:title>Harbour</dc:title>');
    expect(xmp).not.toMatch(/:gps/i);
    // nor is it left lying in the file
    expect(new TextDecoder('latin1').decode(file)).not.toMatch(/48,51\.5N|\+48\.85/);
    expect((await sharp(file).metadata()).exif?.includes(Buffer.from([0, 0, 0, 48, 0, 0, 0, 1]))).toBe(false);
  });

  it.each(FORMATS)('is told by a %s where it is asked for', async (format) => {
    const options = { ...DEFAULT_SAVE_OPTIONS, format, location: 'keep' } as const;
    const kept = await codec.encode({ ...(await open(await located())), options, texts: {} });
    const again = (await open(new Uint8Array(await kept.arrayBuffer()))).source;
    expect(again.located).toBe(true);
    expect(new TextDecoder().decode(again.xmp ?? new Uint8Array())).toContain('48,51.5N');
  });

  it('goes with all EXIF where that is too damaged to take it out', () => {
    const cut = Uint8Array.from([...latin1('MM\0*'), 0, 0, 0, 8, 0, 9, 0x88, 0x25, 0, 4]);
    expect(saysLocation({ exif: cut, xmp: null })).toBe(true);
    expect(withoutLocation({ exif: cut, xmp: null }).exif).toBeNull();
    expect(withoutLocation({ exif: cut.subarray(0, 9).slice(), xmp: null }).exif).toEqual(cut.subarray(0, 9));
  });
});

describe('what is transparent', () => {
  it.each([
    [null, [255, 255, 255]],
    ['#102030', [16, 32, 48]],
  ] as const)('shows the background in a JPEG: %s', async (background, colour) => {
    for (const level of [[90, 90, 90] as const, [200, 30, 60] as const]) {
      const rgba8 = new Uint8ClampedArray(16 * 16 * 4);
      for (let i = 0; i < 256; i++) rgba8.set([...level, i % 16 < 8 ? 0 : 255], 4 * i);
      const options = { ...DEFAULT_SAVE_OPTIONS, format: 'jpeg', background } as const;
      const file = await codec.encode({ image: { height: 16, width: 16, rgba8 }, source: null, options, texts: {} });
      const { data } = await sharp(await file.arrayBuffer())
        .toColourspace('srgb')
        .raw()
        .toBuffer({ resolveWithObject: true });
      const [first, last] = [data.subarray(0, 3), data.subarray(45, 48)];
      for (const c of [0, 1, 2]) {
        expect(Math.abs((first[c] ?? 0) - (colour[c] ?? 0))).toBeLessThan(8);
        expect(Math.abs((last[c] ?? 0) - (level[c] ?? 0))).toBeLessThan(8);
      }
    }
  });
});
