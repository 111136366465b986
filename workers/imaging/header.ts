import { StudioError } from '../../src/protocol/errors.ts';
import type { PictureFormat } from '../../src/protocol/picture-file.ts';
import { type Extent, MAX_INPUT_PIXELS } from '../../src/protocol/request.ts';
import { bmpSize } from './bmp.ts';
import { jpegHead, jpegIsWhole } from './jpeg-segments.ts';
import { pngChunks } from './png-chunks.ts';

/** Files beyond this are declined before anything is allocated for them. */
const MAX_FILE_BYTES = 2 ** 29;
const MAX_BRAND_BYTES = 64;
/** So many bytes tell whether a file is a picture. */
export const HEAD_BYTES = 128;

export interface Header {
  readonly format: PictureFormat;
  /** Absent where the format hides it deeper than a header. */
  readonly size: Extent | null;
}

/**
 * What a file says it is. Throws StudioError: `image-empty` for no bytes, `image-not-an-image` for another format, by name where it is
 * known, `image-too-large` for sizes no run could hold and files beyond 512 MiB, `image-truncated` for a PNG or JPEG whose own structure does not
 * reach its end (decoders fill the rest with grey); what stands after that end is not looked at.
 */
export function checkHeader(bytes: Uint8Array, name: string): Header {
  if (bytes.length === 0) throw new StudioError('image-empty', `“${name}” is empty.`, { details: { name } });
  const header = readHeader(bytes);
  if (header === null) {
    const kind = unreadKind(bytes);
    const what = kind === null ? 'is not a picture this studio can read' : `is ${kind}, which this studio cannot read`;
    throw new StudioError('image-not-an-image', `“${name}” ${what}. PNG, JPEG, WebP, AVIF, TIFF, GIF and BMP work.`, {
      details: { name, sizeBytes: bytes.length },
    });
  }
  if (bytes.length > MAX_FILE_BYTES) {
    const sizeMiB = Math.round(bytes.length / 2 ** 20);
    throw new StudioError('image-too-large', `“${name}” has ${sizeMiB} MiB: too large to open.`, { details: { name, sizeMiB } });
  }
  if (header.size !== null) checkSize(header.size, name);
  if (!isWhole(bytes, header.format)) {
    throw new StudioError('image-truncated', `“${name}” is cut short: its end is missing. Load or copy it again.`, {
      details: { name, sizeBytes: bytes.length },
    });
  }
  return header;
}

/** Throws StudioError: `image-too-large` for sizes no run could hold, `image-empty` for no pixels. */
export function checkSize({ height, width }: Extent, name: string): void {
  if (height * width > MAX_INPUT_PIXELS) {
    throw new StudioError(
      'image-too-large',
      `“${name}” is ${width}×${height}: too large to open. Reduce it first; small pictures are what upscaling is for.`,
      {
        details: { name, height, width },
      },
    );
  }
  if (height === 0 || width === 0) throw new StudioError('image-empty', `“${name}” has no pixels.`, { details: { name } });
}

/** Whether the first bytes of a file are those of a picture. */
export function isPicture(head: Uint8Array): boolean {
  return readHeader(head) !== null;
}

function readHeader(bytes: Uint8Array): Header | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = (at: number, length: number) => String.fromCharCode(...bytes.subarray(at, at + length));
  if (text(0, 8) === '\x89PNG\r\n\x1a\n') {
    const size = bytes.length >= 24 ? { width: view.getUint32(16), height: view.getUint32(20) } : null;
    return { format: 'png', size };
  }
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return { format: 'jpeg', size: jpegSize(bytes) };
  if (text(0, 4) === 'RIFF' && text(8, 4) === 'WEBP') return { format: 'webp', size: null };
  if (text(0, 4) === 'GIF8' && bytes.length >= 10) {
    return { format: 'gif', size: { width: view.getUint16(6, true), height: view.getUint16(8, true) } };
  }
  if (text(0, 2) === 'BM' && bytes.length >= 26) {
    const { height, width } = bmpSize(view);
    return { format: 'bmp', size: { height, width } };
  }
  if (['II*\0', 'MM\0*', 'II+\0', 'MM\0+'].includes(text(0, 4))) return { format: 'tiff', size: null };
  // its brands follow the type: the main one, a version, the others
  if (text(4, 4) === 'ftyp' && /avi[fs]/.test(text(8, Math.min(view.getUint32(0), MAX_BRAND_BYTES)))) return { format: 'avif', size: null };
  return null;
}

/** Sides from the start-of-frame segment; null when the file ends before it. */
function jpegSize(bytes: Uint8Array): Extent | null {
  for (const { marker, data } of jpegHead(bytes)) {
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (!isFrame || data.length < 5) continue;
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    return { height: view.getUint16(1), width: view.getUint16(3) };
  }
  return null;
}

function isWhole(bytes: Uint8Array, format: Header['format']): boolean {
  if (format === 'png') {
    for (const { type } of pngChunks(bytes)) if (type === 'IEND') return true;
    return false;
  }
  return format !== 'jpeg' || jpegIsWhole(bytes);
}

/** Pictures of other kinds by the texts they begin with, from some byte on. */
const UNREAD: readonly (readonly [kind: string, at: number, begins: readonly string[]])[] = [
  ['a HEIC picture', 4, ['ftyphei', 'ftyphev', 'ftypmif1', 'ftypmsf1']],
  ['a JPEG XL picture', 0, ['\xff\x0a', '\0\0\0\x0cJXL ']],
  ['a JPEG 2000 picture', 0, ['\0\0\0\x0cjP  ', '\xff\x4f\xff\x51']],
  ['a Photoshop document', 0, ['8BPS']],
  ['an OpenEXR picture', 0, ['v/1\x01']],
  ['a Radiance HDR picture', 0, ['#?RADIANCE', '#?RGBE']],
  ['a DirectDraw surface', 0, ['DDS ']],
  ['a Windows icon', 0, ['\0\0\x01\0', '\0\0\x02\0']],
  ['a JPEG XR picture', 0, ['II\xbc']],
  ['a camera’s raw picture', 0, ['IIU\0', 'IIRO', 'IIRS', 'FUJIFILM', '\0MRM']],
  ['a camera’s raw picture', 4, ['ftypcrx ']],
  ['a GIMP document', 0, ['gimp xcf']],
  ['a PDF document', 0, ['%PDF']],
  ['a QOI picture', 0, ['qoif']],
  ['a portable pixmap', 0, ['P1\n', 'P2\n', 'P3\n', 'P4\n', 'P5\n', 'P6\n', 'P7\n', 'Pf\n', 'PF\n']],
  ['a film', 4, ['ftyp']],
];

/** What a file is that is no picture of the formats read; null where that is not known either. */
function unreadKind(bytes: Uint8Array): string | null {
  const head = String.fromCharCode(...bytes.subarray(0, 512));
  const known = UNREAD.find(([, at, begins]) => begins.some((text) => head.startsWith(text, at)));
  return known?.[0] ?? (/^\s*<(?:\?xml|!--|!DOCTYPE svg|svg)/.test(head) && head.includes('<svg') ? 'a drawing (SVG)' : null);
}
