import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadVips } from '../../../../cli/vips.ts';
import { StudioError } from '../../../../src/protocol/errors.ts';
import { bareSource, DEFAULT_SAVE_OPTIONS } from '../../../../src/protocol/picture-file.ts';
import { pngChunk } from '../../../../workers/imaging/png-chunks.ts';
import { pngTexts } from '../../../../workers/imaging/png-texts.ts';
import { VipsCodec } from '../../../../workers/imaging/vips-codec.ts';
import { xmpTexts, xmpWith } from '../../../../workers/imaging/xmp.ts';
import { softPicture } from '../../../support/charts.ts';
import { adobeRgb } from '../../../support/profiles.ts';

const FILES_A_KIND = 500;
/** Of kinds whose files are long, which are decoded as often but mutated slowly. */
const LONG_FILES: Readonly<Record<string, number>> = { 'jpeg with extended XMP and IPTC': 100, 'tiff of several pages and a profile': 200 };
/** A file that takes longer holds up whoever opened it. */
const MAX_MS = 5_000;
/** The sources have 16 pixels a side; none of them may make the process believe in a picture at its limits. */
const MAX_GROWTH_BYTES = 512 * 2 ** 20;
/**
 * The rare damaged file makes libheif, in a module of its own, call a function that is not there, or libtiff end its instance: it is replaced
 * then, and the file gets a StudioError.
 */
const CRASHES: Readonly<Record<string, number>> = { avif: 2, 'tiff of several pages and a profile': 1 };
/** An idle machine needs a sixth of it. */
const TIMEOUT_MS = 180_000;

const KINDS = [
  'png',
  'png of colour chunks and texts',
  'png of a wide profile',
  'jpeg',
  'jpeg with EXIF',
  'jpeg with a profile',
  'jpeg with extended XMP and IPTC',
  'webp',
  'gif',
  'tiff',
  'tiff of floating point',
  'tiff of several pages and a profile',
  'bmp of run lengths',
  'avif',
] as const;
type Kind = (typeof KINDS)[number];

const sources = new Map<Kind, Uint8Array>();
let crashes = 0;
const codec = new VipsCodec(loadVips, () => void crashes++);

beforeAll(async () => {
  const picture = softPicture(16, 16);
  const raw = () => sharp(Buffer.from(picture.rgba8.buffer), { raw: { height: 16, width: 16, channels: 4 } });
  const options = { ...DEFAULT_SAVE_OPTIONS, format: 'jpeg' } as const;
  const profiled = await codec.encode({ image: picture, source: { ...bareSource('png'), icc: adobeRgb() }, options, texts: {} });
  const png = await raw().png().toBuffer();
  sources.set('png', png);
  const chunks = [
    pngChunk('cHRM', new Uint8Array(new Uint32Array([31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000].map(swapped)).buffer)),
    pngChunk('gAMA', new Uint8Array(new Uint32Array([swapped(55_556)]).buffer)),
    pngChunk('cICP', Uint8Array.of(12, 13, 0, 1)),
    pngChunk('tEXt', new TextEncoder().encode('parameters\0words')),
    pngChunk('iTXt', new TextEncoder().encode('Title\0\0\0\0\0words')),
  ];
  sources.set(
    'png of colour chunks and texts',
    Uint8Array.from([...png.subarray(0, 33), ...chunks.flatMap((chunk) => [...chunk]), ...png.subarray(33)]),
  );
  const said = { ...bareSource('png'), icc: adobeRgb(), iptc: new TextEncoder().encode('Photoshop 3.0\x008BIM\x04\x04') };
  const wide = await codec.encode({ image: picture, source: said, options: { ...DEFAULT_SAVE_OPTIONS, depth: 16 }, texts: {} });
  sources.set('png of a wide profile', new Uint8Array(await wide.arrayBuffer()));
  const xmp = new TextEncoder().encode(
    `<x:xmpmeta><rdf:RDF><rdf:Description><dc:title>${'a'.repeat(70_000)}</dc:title></rdf:Description></rdf:RDF></x:xmpmeta>`,
  );
  const extended = await codec.encode({ image: picture, source: { ...said, xmp }, options, texts: {} });
  sources.set('jpeg with extended XMP and IPTC', new Uint8Array(await extended.arrayBuffer()));
  const vips = await loadVips();
  const float = vips.Image.newFromBuffer(png)
    .linear(1 / 255, 0)
    .cast('float');
  sources.set('tiff of floating point', float.tiffsaveBuffer().slice());
  const pages = [picture, picture].map(() => ({ create: { height: 16, width: 16, channels: 3, background: '#336699' } }) as never);
  sources.set(
    'tiff of several pages and a profile',
    await sharp(pages, { join: { animated: true } })
      .withIccProfile('p3')
      .tiff({ compression: 'lzw' })
      .toBuffer(),
  );
  sources.set('bmp of run lengths', runLengthBmp());
  sources.set('jpeg', await raw().jpeg().toBuffer());
  sources.set(
    'jpeg with EXIF',
    await raw()
      .withExif({ IFD0: { Make: 'Acme', Orientation: '6' } })
      .jpeg()
      .toBuffer(),
  );
  sources.set('jpeg with a profile', new Uint8Array(await profiled.arrayBuffer()));
  sources.set('webp', await raw().webp().toBuffer());
  sources.set('gif', await raw().gif().toBuffer());
  sources.set('tiff', await raw().tiff({ compression: 'deflate' }).toBuffer());
  sources.set('avif', await raw().avif({ effort: 0 }).toBuffer());
});

/** The bytes of a number of 32 bits the other way round. */
function swapped(value: number): number {
  return ((value & 255) << 24) | ((value & 0xff00) << 8) | ((value >> 8) & 0xff00) | (value >>> 24);
}

/** 16 × 16 pixels of a palette, each row two runs. */
function runLengthBmp(): Uint8Array {
  const rows = Array.from({ length: 16 }, (_, y) => [8, 1, 8, y % 3, 0, 0]).flat();
  const bytes = new Uint8Array(54 + 12 + rows.length + 2);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  for (const [at, value] of [
    [10, 66],
    [14, 40],
    [18, 16],
    [22, 16],
    [30, 1],
    [46, 3],
  ] as const)
    view.setUint32(at, value, true);
  view.setUint16(28, 8, true);
  bytes.set([0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, ...rows, 0, 1], 54);
  return bytes;
}

/** Mulberry32: whole numbers below `limit`, the same for the same seed. */
function dice(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** A copy with a few bytes changed, taken out, put in or repeated, most of them where headers are. */
function mutated(file: Uint8Array, roll: (limit: number) => number): Uint8Array<ArrayBuffer> {
  let bytes = [...file];
  for (let change = roll(4); change >= 0; change--) {
    const at = roll(roll(3) === 0 ? bytes.length : Math.min(bytes.length, 600));
    const kind = roll(6);
    if (kind <= 2) bytes[at] = roll(256);
    else if (kind === 3) bytes[at] = [0, 0x7f, 0x80, 0xff][roll(4)] ?? 0;
    else if (kind === 4) bytes.splice(at, 1 + roll(8));
    else bytes = [...bytes.slice(0, at), ...bytes.slice(Math.max(0, at - roll(64)))];
  }
  return Uint8Array.from(bytes);
}

describe('damaged and hostile files', () => {
  it.each(KINDS)(
    'of kind %s each give a picture or a StudioError, soon, and whole files after them',
    async (kind) => {
      crashes = 0;
      const source = sources.get(kind) ?? new Uint8Array();
      const before = process.memoryUsage().rss;
      const outcomes = { picture: 0, refused: 0 };
      let slowestMs = 0;
      for (let seed = 0; seed < (LONG_FILES[kind] ?? FILES_A_KIND); seed++) {
        const began = performance.now();
        try {
          const { image } = await codec.decode(mutated(source, dice(seed)), kind);
          expect(image.rgba8.length).toBe(4 * image.height * image.width);
          outcomes.picture++;
        } catch (error) {
          if (!(error instanceof StudioError)) throw error;
          expect(error.code).toMatch(/^(image-|out-of-memory)/);
          outcomes.refused++;
        }
        slowestMs = Math.max(slowestMs, performance.now() - began);
      }
      expect(crashes).toBeLessThanOrEqual(CRASHES[kind] ?? 0);
      expect((await codec.decode(Uint8Array.from(source), kind)).image.width).toBe(16);
      // a mutation that is never noticed, or always, would test nothing
      expect(Math.min(outcomes.picture, outcomes.refused)).toBeGreaterThan(0);
      expect(slowestMs).toBeLessThan(MAX_MS);
      expect(process.memoryUsage().rss - before).toBeLessThan(MAX_GROWTH_BYTES);
    },
    TIMEOUT_MS,
  );
});

const PACKET = new TextDecoder().decode(
  xmpWith({
    packet: null,
    texts: { 'rfsr-studio': '{"seed":1}', parameters: 'a <cat> & a dog' },
    carried: [],
    iptc: null,
    size: { height: 16, width: 16 },
    region: null,
  }) ?? new Uint8Array(),
);
const OWN_TAG = /<rdf:Description[^>]*>/.exec(PACKET)?.[0] ?? '';

describe('hostile metadata', () => {
  const SIZE = 2 ** 19;
  const filled = (part: string): string => part.repeat(Math.ceil(SIZE / part.length));

  it.each([
    ['descriptions that never close', filled('<rdf:Description ')],
    ['tags that never end', filled(OWN_TAG.slice(0, -1))],
    ['descriptions of the studio without an end', filled(OWN_TAG)],
    ['a description of the studio that is repeated', filled(`${OWN_TAG}</rdf:Description>`)],
    ['texts that never close', OWN_TAG + filled('<studio:a>')],
    ['one keyword without an end', `${OWN_TAG}<studio:${filled('a')}`],
    ['facts without an end', filled('tiff:Orientation="1')],
    ['ends alone', filled('</rdf:RDF>')],
  ])('is read and carried on soon: %s', async (_, hostile) => {
    const began = performance.now();
    const xmp = new TextEncoder().encode(`${hostile}</rdf:RDF>`);
    await carriedOn(xmp);
    expect(performance.now() - began).toBeLessThan(MAX_MS);
  });

  it('beyond all measure is left out', async () => {
    const began = performance.now();
    const file = await carriedOn(new TextEncoder().encode(`${'<rdf:Description '.repeat(2 ** 20)}</rdf:RDF>`));
    expect(file.length).toBeLessThan(2 ** 12);
    expect(performance.now() - began).toBeLessThan(MAX_MS);
  });

  it(
    `gives texts or none, soon, of ${FILES_A_KIND} packets and PNGs`,
    async () => {
      const packet = new TextEncoder().encode(PACKET);
      const png = new Uint8Array(
        await (
          await codec.encode({ image: softPicture(16, 16), source: null, options: DEFAULT_SAVE_OPTIONS, texts: { a: 'b', c: 'd' } })
        ).arrayBuffer(),
      );
      crashes = 0;
      let slowestMs = 0;
      const found = { xmp: 0, png: 0 };
      for (let seed = 0; seed < FILES_A_KIND; seed++) {
        const began = performance.now();
        const xmp = mutated(packet, dice(seed));
        found.xmp += Object.keys(xmpTexts(xmp)).length;
        found.png += Object.keys(pngTexts(mutated(png, dice(seed)))).length;
        if (seed % 10 === 0) await carriedOn(xmp);
        slowestMs = Math.max(slowestMs, performance.now() - began);
      }
      for (const count of Object.values(found)) {
        expect(count).toBeGreaterThan(0);
        expect(count).toBeLessThan(2 * FILES_A_KIND);
      }
      expect(crashes).toBe(0);
      expect(slowestMs).toBeLessThan(MAX_MS);
    },
    TIMEOUT_MS,
  );

  /** A result with the packet of the file it was made from, as it is kept; its texts can be read again. */
  async function carriedOn(xmp: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const source = { ...bareSource('png'), xmp };
    const texts = { 'rfsr-studio': '{"seed":2}' };
    const file = await codec.encode({ image: softPicture(16, 16), source, options: DEFAULT_SAVE_OPTIONS, texts });
    const bytes = new Uint8Array(await file.arrayBuffer());
    xmpTexts(xmp);
    expect(pngTexts(bytes)).toEqual(texts);
    return bytes;
  }
});
