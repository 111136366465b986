import { alphaLook } from '../../src/core/alpha.ts';
import { StudioError } from '../../src/protocol/errors.ts';
import type { OpenedPicture, SourceInfo } from '../../src/protocol/picture-file.ts';
import type { Extent, Image8 } from '../../src/protocol/request.ts';
import { beyondOf } from './beyond.ts';
import { carriedXmp } from './carried-xmp.ts';
import { lastingExif } from './exif.ts';
import { checkSize, type Header } from './header.ts';
import { convert, isWritable, profileName, profilePath } from './icc.ts';
import { jpegXmp } from './jpeg-head.ts';
import { saysLocation } from './location.ts';
import { pixelsOut } from './pixel-stream.ts';
import { type FileProfile, pngColour } from './png-colour.ts';
import { carriedTexts } from './png-texts.ts';
import { isLab8, saidToBeRgb, tiffPage } from './tiff.ts';
import type { VipsImage, VipsModule } from './vips-module.ts';

const LAST_UNTURNED = 4;
const MM_PER_INCH = 25.4;
/** libvips' resolution, in pixels a millimetre, of files that say none. */
const UNSAID = 1;
/** By so much may floating-point pixels be whiter than white. */
const WHITE_MARGIN = 0.01;
/** Levels of 255 by which the pixels of a flat picture may deviate. */
const FLAT_DEVIATION = 2;

/** A file as it is read: again for every pass over its pixels, since libvips streams them once. */
interface Reading {
  readonly vips: VipsModule;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly name: string;
  readonly lab8: boolean;
  /** From 0. */
  readonly page: number;
  /** The space the numbers are in where the file's own chunks say it, and not a profile. */
  readonly said: FileProfile | null;
}

/**
 * A file as sRGB pixels of 8 bits and, `deep`, of 16 where it has them, upright, its frame or page `page`, alpha as it is, and what else the
 * file said. Nothing is decoded before its size is known to be bearable. Throws StudioError of checkSize, `option-invalid` for a page that is
 * not there, `image-not-an-image` for pixels of a kind that is not read, `image-truncated` for a file that decodes to nothing, and what libvips throws.
 */
export function decodePicture(
  vips: VipsModule,
  bytes: Uint8Array<ArrayBuffer>,
  { format }: Header,
  name: string,
  deep: boolean,
  page: number,
): OpenedPicture {
  const reading = readingOf(vips, bytes, format, name);
  const first = storedPixels(reading);
  checkSize(first, name);
  const pages = first.getTypeof('n-pages') === 0 ? 1 : Math.max(1, first.getInt('n-pages'));
  checkPage(page, pages, name);
  const chosen = { ...reading, page };
  const stored = page === 0 ? first : storedPixels(chosen);
  if (page > 0) checkSize(stored, name);
  checkKind(chosen, stored);
  const wide = isWide(asLevels(stored));
  const image = pixelsOut(vips, toSrgb(chosen, uprightLevels(chosen), deep && wide ? 16 : 8));
  checkDecoded(image, name, () => storedDeviation(chosen));
  const source = sourceOf(chosen, stored, format, pages);
  const own = (): VipsImage =>
    source.icc === null ? toSrgb(chosen, uprightLevels(chosen), 16) : ownNumbers(chosen, uprightLevels(chosen));
  const beyond = source.icc !== null || (wide && !deep) ? beyondOf(vips, own(), image, source) : null;
  return { image, source: { ...source, beyond, alpha: alphaLook(image) } };
}

/** The upright sides of a file, from its header. Throws StudioError of checkSize, and what libvips throws. */
export function inspectPicture(vips: VipsModule, bytes: Uint8Array<ArrayBuffer>, { format }: Header, name: string): Extent {
  const stored = storedPixels(readingOf(vips, bytes, format, name));
  checkSize(stored, name);
  const { height, width } = stored;
  return orientationOf(stored) > LAST_UNTURNED ? { height: width, width: height } : { height, width };
}

function readingOf(vips: VipsModule, bytes: Uint8Array<ArrayBuffer>, format: Header['format'], name: string): Reading {
  const tiff = format === 'tiff' ? tiffPage(bytes) : null;
  const lab8 = tiff !== null && isLab8(tiff);
  const said = format === 'png' ? pngColour(bytes, name) : null;
  return { vips, bytes: lab8 ? saidToBeRgb(bytes, tiff) : bytes, name, lab8, page: 0, said };
}

/** Pixels as they are stored, streamed from top to bottom, or held whole. */
function storedPixels({ vips, bytes, lab8, page }: Reading, access: 'sequential' | 'random' = 'sequential'): VipsImage {
  // readers of formats with one page do not know the word
  const stored = vips.Image.newFromBuffer(bytes, '', { fail_on: 'truncated', access, ...(page === 0 ? {} : { page }) });
  return lab8 ? fromLab8(stored) : stored;
}

/** Lab of 8 bits, a and b signed, as libvips' floating-point Lab. */
function fromLab8(stored: VipsImage): VipsImage {
  const colours = stored.extractBand(1, { n: 2 });
  const signed = colours.subtract(colours.moreEq(128).linear(256 / 255, 0));
  return stored
    .extractBand(0)
    .linear(100 / 255, 0)
    .bandjoin(signed)
    .copy({ interpretation: 'lab' });
}

/** Turning reads against the order of rows, so that a picture that is turned is held whole. */
function uprightLevels(reading: Reading): VipsImage {
  const stored = storedPixels(reading);
  return asLevels(orientationOf(stored) > 1 ? storedPixels(reading, 'random').autorot() : stored);
}

/** EXIF's, from 1; the first four leave the sides as they are. */
function orientationOf(image: VipsImage): number {
  return image.getTypeof('orientation') === 0 ? 1 : image.getInt('orientation');
}

/** Pixels of 8 or 16 bits: numbers of 0 to 1, of 32 bits and of Lab in 16. */
function asLevels(image: VipsImage): VipsImage {
  const { format, interpretation, bands } = image;
  if (format === 'uchar' || format === 'ushort') return image;
  if (['lab', 'labs', 'labq'].includes(interpretation)) return image.colourspace('rgb16');
  const levels = format === 'uint' ? image.linear(1 / 65537, 0.5) : image.linear(65535, 0.5);
  return levels.cast('ushort').copy({ interpretation: bands < 3 ? 'grey16' : 'rgb16' });
}

function isWide(image: VipsImage): boolean {
  return image.format === 'ushort' && image.interpretation !== 'cmyk';
}

/** RGBA of so many bits, of pixels of 8 or 16. A profile that is damaged or does not fit the pixels is taken for none. */
function toSrgb({ vips, said }: Reading, image: VipsImage, depth: 8 | 16): VipsImage {
  const known = image.getTypeof('icc-profile-data') !== 0;
  const srgb =
    said !== null
      ? convert(inColour(image), profilePath(vips, said.read, 'read'), 'srgb', depth)
      : known
        ? convert(image, null, 'srgb', depth)
        : plainSrgb(image, depth);
  const alpha = srgb.hasAlpha() ? srgb : srgb.bandjoin(depth === 16 ? 65535 : 255);
  return alpha.bands > 4 ? alpha.extractBand(0, { n: 4 }) : alpha;
}

function plainSrgb(image: VipsImage, depth: 8 | 16): VipsImage {
  if (image.interpretation === 'cmyk') return lightOf(image);
  if (!isWide(image)) return image.colourspace('srgb');
  const wide = image.colourspace('rgb16');
  return depth === 16 ? wide : narrow(wide);
}

/** Inks without a profile, as browsers show them: each takes its own colour of the light, black takes of all. */
function lightOf(inks: VipsImage): VipsImage {
  const left = inks.extractBand(0, { n: 4 }).linear(-1 / (inks.format === 'ushort' ? 65535 : 255), 1);
  const rgb = left.extractBand(0, { n: 3 }).multiply(left.extractBand(3));
  return rgb.linear(255, 0.5, { uchar: true }).copy({ interpretation: 'srgb' });
}

/** `rgb16` to `srgb`, rounded: libvips' own conversion drops the low byte. */
function narrow(image: VipsImage): VipsImage {
  return image.linear(1 / 257, 0.5, { uchar: true }).copy({ interpretation: 'srgb' });
}

/** Grey spread over three channels: what a file says of its colours is said of red, green and blue. */
function inColour(image: VipsImage): VipsImage {
  return image.bands > 2 ? image : image.colourspace(image.format === 'ushort' ? 'rgb16' : 'srgb');
}

/** RGB in the space that results are written in, which is not sRGB. */
function ownNumbers({ vips, said }: Reading, image: VipsImage): VipsImage {
  if (said === null || said.write === null || isSame(said.read, said.write)) return image;
  return convert(inColour(image), profilePath(vips, said.read, 'read'), profilePath(vips, said.write, 'write'), 16);
}

function checkPage(page: number, pages: number, name: string): void {
  if (page < pages) return;
  const text = `“${name}” has ${pages === 1 ? 'one page' : `${pages} pages`}; there is no page ${page + 1}.`;
  throw new StudioError('option-invalid', text, { details: { name, pages } });
}

/** Throws `image-not-an-image` for numbers that are no colours: signed, complex, or floating-point ones beyond white. */
function checkKind(reading: Reading, { format, interpretation }: VipsImage): void {
  const refused = (what: string): StudioError => {
    const text = `“${reading.name}” holds ${what}, which this studio cannot read. Save it with 8 or 16 bits a channel first.`;
    return new StudioError('image-not-an-image', text, { details: { name: reading.name, format } });
  };
  if (['uchar', 'ushort', 'uint'].includes(format) || ['lab', 'labs', 'labq'].includes(interpretation)) return;
  if (format !== 'float' && format !== 'double') throw refused(`pixels of ${/complex/.test(format) ? 'complex' : 'signed'} numbers`);
  if (interpretation === 'cmyk') throw refused('inks (CMYK) in floating point');
  const most = storedPixels(reading).max();
  if (most > 1 + WHITE_MARGIN) throw refused(`floating-point pixels up to ${most.toPrecision(3)}, brighter than white (1)`);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** The largest deviation of a colour in the pixels as they are stored, in levels of 255. */
function storedDeviation(reading: Reading): number {
  const { bands, format } = asLevels(storedPixels(reading));
  // alpha, where there is one, comes last
  const colours = storedPixels(reading).hasAlpha() ? bands - 1 : bands;
  const deviations = Array.from({ length: colours }, (_, band) => asLevels(storedPixels(reading)).extractBand(band).deviate());
  return Math.max(...deviations) / (format === 'uchar' ? 1 : 257);
}

/**
 * Throws `image-truncated` where a picture became one colour. `storedDeviation`: by how many levels of 255 a colour varies in the file; asked for no
 * other picture.
 */
export function checkDecoded({ rgba8 }: Image8, name: string, storedDeviation: () => number): void {
  const flat = rgba8.every((level, i) => i % 4 === 3 || level === rgba8[i % 4]);
  if (!flat || storedDeviation() <= FLAT_DEVIATION) return;
  const text = `“${name}” could not be read: its colours all became one. Saving it as PNG elsewhere may help.`;
  throw new StudioError('image-truncated', text, { details: { name } });
}

function sourceOf({ vips, name, bytes, said, page }: Reading, image: VipsImage, format: Header['format'], pages: number): SourceInfo {
  // what libvips gives is its own memory, which the next call may change
  const blob = (field: string) => (image.getTypeof(field) === 0 ? null : (image.getBlob(field).slice() as Uint8Array<ArrayBuffer>));
  const attached = blob('icc-profile-data');
  const icc = said === null ? attached : said.write;
  const profile = said?.read ?? attached;
  const exif = blob('exif-data');
  const { xmp, notices } = carriedXmp(format === 'jpeg' ? jpegXmp(bytes) : blob('xmp-data'), name);
  const turned = orientationOf(image) > LAST_UNTURNED;
  const dpi = { x: image.xres * MM_PER_INCH, y: image.yres * MM_PER_INCH };
  const lasting = exif === null ? null : lastingExif(exif);
  return {
    format,
    depth: image.format === 'uchar' ? 8 : 16,
    profile: profile === null ? null : profileName(profile),
    icc: icc !== null && isWritable(vips, icc) ? icc : null,
    beyond: null,
    alpha: null,
    dpi: image.xres === UNSAID && image.yres === UNSAID ? null : turned ? { x: dpi.y, y: dpi.x } : dpi,
    exif: lasting,
    xmp,
    located: saysLocation({ exif: lasting, xmp }),
    iptc: blob('iptc-data'),
    texts: format === 'png' ? carriedTexts(bytes, textsOf(image)) : [],
    pages,
    notices:
      pages === 1
        ? notices
        : [...notices, `“${name}” has ${pages} ${format === 'tiff' ? 'pages' : 'frames'}; number ${page + 1} was taken.`],
  };
}

/** A PNG's texts as libvips unpacked them. */
function textsOf(image: VipsImage): Readonly<Record<string, string>> {
  const fields = image.getFields() as unknown as { size(): number; get(i: number): string };
  const texts: Record<string, string> = {};
  for (let i = 0; i < fields.size(); i++) {
    const keyword = /^png-comment-\d+-(.+)$/s.exec(fields.get(i))?.[1];
    if (keyword !== undefined) texts[keyword] = image.getString(fields.get(i));
  }
  return texts;
}
