import { hasAlpha } from '../../src/core/picture.ts';
import { StudioError } from '../../src/protocol/errors.ts';
import type { PictureToSave, SaveFormat, SourceInfo } from '../../src/protocol/picture-file.ts';
import type { Image8 } from '../../src/protocol/request.ts';
import { convert, profilePath } from './icc.ts';
import { MIME_TYPES } from './picture-codec.ts';
import { pixelsIn } from './pixel-stream.ts';
import { withPngTexts } from './png-texts.ts';
import type { VipsImage, VipsModule } from './vips-module.ts';
import { xmpWith } from './xmp.ts';

/** Longest sides the formats have room for. */
const MAX_SIDE: Readonly<Record<SaveFormat, number>> = { png: 2 ** 31 - 1, jpeg: 65_500, webp: 16_383 };
/** What programs assume of a picture that does not say; libvips counts pixels in a millimetre. */
const PIXELS_PER_MM = 72 / 25.4;
/** JPEG has no transparency. */
const PAPER = [255, 255, 255];

/**
 * A picture as a file: in its source's profile where it has one, with the source's EXIF and XMP and the studio's texts unless they are
 * stripped. Pixels are read and written as a stream. Throws StudioError `option-invalid` for sides the format has no room for, and what
 * libvips throws.
 */
export function encodePicture(vips: VipsModule, { image, source, options, texts }: PictureToSave): Blob {
  const { format, quality, metadata } = options;
  checkSides(image, format);
  const alpha = hasAlpha(image);
  const depth = format === 'png' ? options.depth : 8;
  const stored = inProfile(vips, pixelsIn(vips, image, alpha, depth), source?.icc ?? null, depth);
  const flat = (alpha && format === 'jpeg' ? stored.flatten({ background: PAPER }) : stored).copy({
    xres: PIXELS_PER_MM,
    yres: PIXELS_PER_MM,
  });
  const kept = metadata === 'keep';
  const keep = kept ? attach(flat, image, source, format === 'png' ? {} : texts) : ['icc'];
  const blob = written(vips, flat, format, { keep: keep.join('|'), ...saver(format, quality) });
  return kept && format === 'png' ? withPngTexts(blob, texts) : blob;
}

function checkSides({ height, width }: Image8, format: SaveFormat): void {
  if (Math.max(height, width) <= MAX_SIDE[format]) return;
  throw new StudioError('option-invalid', `A ${format.toUpperCase()} file has room for ${MAX_SIDE[format]} pixels a side. Save as PNG.`, {
    details: { format, height, width },
  });
}

/** sRGB pixels in a profile, or as they are, with so many bits a channel. */
function inProfile(vips: VipsModule, pixels: VipsImage, icc: Uint8Array | null, depth: 8 | 16): VipsImage {
  if (icc !== null) return convert(pixels, 'srgb', profilePath(vips, icc), depth);
  if (depth === 8 || pixels.format === 'ushort') return pixels;
  // 255 becomes 65535
  return pixels.linear(257, 0).cast('ushort').copy({ interpretation: 'rgb16' });
}

/** Puts metadata on an image. Gives what of it is to be written. */
function attach(image: VipsImage, size: Image8, source: SourceInfo | null, texts: Readonly<Record<string, string>>): readonly string[] {
  const exif = source?.exif ?? null;
  // libvips sets the sizes EXIF tells
  if (exif !== null) image.setBlob('exif-data', exif);
  image.setInt('orientation', 1);
  const xmp = xmpWith(source?.xmp ?? null, texts, size);
  if (xmp !== null) image.setBlob('xmp-data', xmp);
  return ['icc', 'xmp', ...(exif === null ? [] : ['exif'])];
}

/** How libvips is to write a format. Colour is never subsampled: saturated edges are what upscaling is for. */
function saver(format: SaveFormat, quality: number): object {
  switch (format) {
    case 'png':
      return { filter: 'all' };
    case 'jpeg':
      return { Q: quality, subsample_mode: 'off' };
    case 'webp':
      return { Q: quality, smart_subsample: true };
    default:
      throw format satisfies never;
  }
}

function written(vips: VipsModule, image: VipsImage, format: SaveFormat, options: object): Blob {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const target = new vips.TargetCustom();
  target.onWrite = (bytes) => {
    parts.push(bytes.slice() as Uint8Array<ArrayBuffer>);
    return bytes.length;
  };
  const suffix = { png: '.png', jpeg: '.jpg', webp: '.webp' }[format];
  image.writeToTarget(target, suffix, options);
  return new Blob(parts, { type: MIME_TYPES[format] });
}
