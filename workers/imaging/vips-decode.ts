import type { OpenedPicture, SourceInfo } from '../../src/protocol/picture-file.ts';
import type { Extent } from '../../src/protocol/request.ts';
import { checkSize, type Header } from './header.ts';
import { convert, isWritable, profileName } from './icc.ts';
import { pixelsOut } from './pixel-stream.ts';
import type { VipsImage, VipsModule } from './vips-module.ts';

const LAST_UNTURNED = 4;

/**
 * A file as sRGB pixels of 8 bits and, `deep`, of 16 where it has them, upright, its first frame or page, alpha as it is, and what else the file said. Nothing is decoded before
 * its size is known to be bearable. Throws StudioError of checkSize, and what libvips throws.
 */
export function decodePicture(vips: VipsModule, bytes: Uint8Array, { format }: Header, name: string, deep: boolean): OpenedPicture {
  const options = { fail_on: 'truncated' } as const;
  const stored = vips.Image.newFromBuffer(bytes, '', { ...options, access: 'sequential' });
  checkSize(stored, name);
  // turning reads against the order of rows, so the picture is held whole
  const upright = orientationOf(stored) > 1 ? vips.Image.newFromBuffer(bytes, '', options).autorot() : stored;
  const wide = deep && isWide(stored);
  return { image: pixelsOut(vips, toSrgb(upright, wide ? 16 : 8)), source: sourceOf(vips, stored, format) };
}

/** The upright sides of a file, from its header. Throws StudioError of checkSize, and what libvips throws. */
export function inspectPicture(vips: VipsModule, bytes: Uint8Array, name: string): Extent {
  const stored = vips.Image.newFromBuffer(bytes, '', { access: 'sequential' });
  checkSize(stored, name);
  const { height, width } = stored;
  return orientationOf(stored) > LAST_UNTURNED ? { height: width, width: height } : { height, width };
}

/** EXIF's, from 1; the first four leave the sides as they are. */
function orientationOf(image: VipsImage): number {
  return image.getTypeof('orientation') === 0 ? 1 : image.getInt('orientation');
}

/** RGBA of so many bits. A profile that is damaged or does not fit the pixels is taken for none. */
function toSrgb(image: VipsImage, depth: 8 | 16): VipsImage {
  const known = image.getTypeof('icc-profile-data') !== 0;
  const srgb = known ? convert(image, null, 'srgb', depth) : plainSrgb(image, depth);
  const alpha = srgb.hasAlpha() ? srgb : srgb.bandjoin(depth === 16 ? 65535 : 255);
  return alpha.bands > 4 ? alpha.extractBand(0, { n: 4 }) : alpha;
}

function plainSrgb(image: VipsImage, depth: 8 | 16): VipsImage {
  if (!isWide(image)) return image.colourspace('srgb');
  const wide = image.colourspace('rgb16');
  return depth === 16 ? wide : narrow(wide);
}

function isWide(image: VipsImage): boolean {
  return image.format === 'ushort' && image.interpretation !== 'cmyk';
}

/** `rgb16` to `srgb`, rounded: libvips' own conversion drops the low byte. */
function narrow(image: VipsImage): VipsImage {
  return image.linear(1 / 257, 0.5, { uchar: true }).copy({ interpretation: 'srgb' });
}

function sourceOf(vips: VipsModule, image: VipsImage, format: Header['format']): SourceInfo {
  // what libvips gives is its own memory, which the next call may change
  const blob = (field: string) => (image.getTypeof(field) === 0 ? null : (image.getBlob(field).slice() as Uint8Array<ArrayBuffer>));
  const icc = blob('icc-profile-data');
  return {
    format,
    depth: image.format === 'uchar' ? 8 : 16,
    profile: icc === null ? null : profileName(icc),
    icc: icc !== null && isWritable(vips, icc) ? icc : null,
    exif: blob('exif-data'),
    xmp: blob('xmp-data'),
  };
}
