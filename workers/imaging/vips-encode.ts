import { hasAlpha, isGrey } from '../../src/core/picture.ts';
import { StudioError } from '../../src/protocol/errors.ts';
import {
  formatRefusal,
  PAPER,
  type PictureToSave,
  resultDepth,
  type SaveFormat,
  type SourceInfo,
} from '../../src/protocol/picture-file.ts';
import { withBeyond } from './beyond.ts';
import { inProfile } from './icc.ts';
import { withJpegHead } from './jpeg-head.ts';
import { withoutLocation } from './location.ts';
import { ownedTexts } from './owned-texts.ts';
import { MIME_TYPES } from './picture-codec.ts';
import { pixelsIn } from './pixel-stream.ts';
import { withPngTexts } from './png-texts.ts';
import type { VipsImage, VipsModule } from './vips-module.ts';
import { xmpWith } from './xmp.ts';

/** What programs assume of a picture that does not say. */
const USUAL_DPI = { x: 72, y: 72 } as const;
const MM_PER_INCH = 25.4;

/**
 * A picture as a file: in its source's profile and with the colours that sRGB had no room for, at its source's resolution, with the source's
 * metadata and the studio's texts unless they are stripped; in one channel where it is grey. Pixels are read and written as a stream. Throws
 * StudioError `option-invalid` for sides the format has no room for, and what libvips throws.
 */
export function encodePicture(vips: VipsModule, picture: PictureToSave): Blob {
  const { image, options, region = null } = picture;
  const source = picture.source === null || options.location === 'keep' ? picture.source : withoutLocation(picture.source);
  const { format, quality, metadata } = options;
  const refusal = formatRefusal(format, image);
  if (refusal !== null) throw new StudioError('option-invalid', refusal, { details: { format, height: image.height, width: image.width } });
  const alpha = hasAlpha(image);
  const depth = resultDepth(options, source?.depth);
  const pixels = pixelsIn(vips, image, alpha, depth);
  const beyond = source?.beyond ?? null;
  const stored =
    beyond === null
      ? inProfile(vips, pixels, source?.icc ?? null, depth)
      : toDepth(withBeyond(vips, inProfile(vips, pixels, source?.icc ?? null, 16), beyond, region), depth);
  const background = options.background ?? PAPER;
  const onPaper = alpha && format === 'jpeg';
  const grey = source?.icc == null && isGrey(image) && (beyond === null || isGreyBeyond(beyond)) && (!onPaper || isGreyColour(background));
  const channels = grey ? greyChannels(stored) : stored;
  const { x, y } = source?.dpi ?? USUAL_DPI;
  const flat = (onPaper ? channels.flatten({ background: paper(background, channels) }) : channels).copy({
    xres: x / MM_PER_INCH,
    yres: y / MM_PER_INCH,
  });
  const finished = (keep: readonly string[], xmp: Uint8Array | null): Blob => {
    const parts = written(vips, flat, format, { keep: keep.join('|'), ...saver(format, quality) });
    return new Blob([...(format === 'jpeg' ? withJpegHead(parts, { x, y }, xmp) : parts)], { type: MIME_TYPES[format] });
  };
  if (metadata === 'strip') return finished(['icc'], null);
  const { texts, carried } = ownedTexts(picture);
  const isPng = format === 'png';
  const xmp = xmpWith({
    packet: source?.xmp ?? null,
    texts: isPng ? {} : picture.texts,
    carried: isPng ? [] : carried,
    iptc: format === 'jpeg' ? null : (source?.iptc ?? null),
    size: image,
    region,
  });
  const file = finished(['icc', ...attach(flat, source, format === 'jpeg' ? null : xmp)], xmp);
  if (!isPng) return file;
  const chunks = carried.map(({ chunk }) => chunk);
  return withPngTexts(file, texts, chunks);
}

/** What shows through, as colour values of an image with alpha. */
function paper(colour: string, { bands }: VipsImage): number[] {
  return [1, 3, 5].slice(0, bands - 1).map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

function isGreyColour(colour: string): boolean {
  return colour.slice(1, 3) === colour.slice(3, 5) && colour.slice(1, 3) === colour.slice(5);
}

/** 16 bits as so many. */
function toDepth(pixels: VipsImage, depth: 8 | 16): VipsImage {
  return depth === 16 ? pixels : pixels.linear(1 / 257, 0.5, { uchar: true }).copy({ interpretation: 'srgb' });
}

/** Grey, and alpha where there is one. */
function greyChannels(pixels: VipsImage): VipsImage {
  const { bands, format } = pixels;
  const grey = bands > 3 ? pixels.extractBand(0).bandjoin(pixels.extractBand(3)) : pixels.extractBand(0);
  return grey.copy({ interpretation: format === 'ushort' ? 'grey16' : 'b-w' });
}

function isGreyBeyond({ bands, levels }: { readonly bands: number; readonly levels: Int16Array }): boolean {
  return levels.every((level, i) => i % bands === 3 || level === levels[i - (i % bands)]);
}

/** Puts metadata on an image. Gives what of it is to be written. */
function attach(image: VipsImage, source: SourceInfo | null, xmp: Uint8Array | null): readonly string[] {
  const { exif = null, iptc = null } = source ?? {};
  // libvips sets the sizes EXIF tells
  if (exif !== null) image.setBlob('exif-data', exif);
  image.setInt('orientation', 1);
  if (iptc !== null) image.setBlob('iptc-data', iptc);
  if (xmp !== null) image.setBlob('xmp-data', xmp);
  return ['xmp', ...(exif === null ? [] : ['exif']), ...(iptc === null ? [] : ['iptc'])];
}

/** How libvips is to write a format. Colour is never subsampled: saturated edges are what upscaling is for. */
function saver(format: SaveFormat, quality: number): object {
  switch (format) {
    case 'png':
      return { filter: 'all' };
    case 'jpeg':
      return { Q: quality, subsample_mode: 'off' };
    case 'webp':
      // colours beneath what is transparent are the picture's too
      return { Q: quality, smart_subsample: true, exact: true };
    default:
      throw format satisfies never;
  }
}

function written(vips: VipsModule, image: VipsImage, format: SaveFormat, options: object): Uint8Array<ArrayBuffer>[] {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const target = new vips.TargetCustom();
  target.onWrite = (bytes) => {
    parts.push(bytes.slice() as Uint8Array<ArrayBuffer>);
    return bytes.length;
  };
  const suffix = { png: '.png', jpeg: '.jpg', webp: '.webp' }[format];
  image.writeToTarget(target, suffix, options);
  return parts;
}
