import { StudioError } from '../../src/protocol/errors.ts';
import type { PictureFormat } from '../../src/protocol/picture-file.ts';
import { type Extent, MAX_INPUT_PIXELS, MAX_INPUT_SIDE } from '../../src/protocol/request.ts';
import { bmpSize } from './bmp.ts';

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
 * What a file says it is. Throws StudioError: `image-empty` for no bytes, `image-not-an-image` for another format, `image-too-large`
 * for sizes no run could hold and files beyond 512 MiB, `image-truncated` for a PNG or JPEG without its end (decoders fill the rest with grey).
 */
export function checkHeader(bytes: Uint8Array, name: string): Header {
  if (bytes.length === 0) throw new StudioError('image-empty', `“${name}” is empty.`, { details: { name } });
  const header = readHeader(bytes);
  if (header === null) {
    throw new StudioError(
      'image-not-an-image',
      `“${name}” is not a picture this studio can read. PNG, JPEG, WebP, AVIF, TIFF, GIF and BMP work.`,
      {
        details: { name, sizeBytes: bytes.length },
      },
    );
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
  if (height * width > MAX_INPUT_PIXELS || Math.max(height, width) > MAX_INPUT_SIDE) {
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
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return { format: 'jpeg', size: jpegSize(view) };
  if (text(0, 4) === 'RIFF' && text(8, 4) === 'WEBP') return { format: 'webp', size: null };
  if (text(0, 4) === 'GIF8' && bytes.length >= 10) {
    return { format: 'gif', size: { width: view.getUint16(6, true), height: view.getUint16(8, true) } };
  }
  if (text(0, 2) === 'BM' && bytes.length >= 26) {
    const { height, width } = bmpSize(view);
    return { format: 'bmp', size: { height, width } };
  }
  if (text(0, 4) === 'II*\0' || text(0, 4) === 'MM\0*') return { format: 'tiff', size: null };
  // its brands follow the type: the main one, a version, the others
  if (text(4, 4) === 'ftyp' && /avi[fs]/.test(text(8, Math.min(view.getUint32(0), MAX_BRAND_BYTES)))) return { format: 'avif', size: null };
  return null;
}

/** Sides from the start-of-frame segment; null when the file ends before it. */
function jpegSize(view: DataView): Extent | null {
  let at = 2;
  while (at + 9 < view.byteLength) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    at += 2 + view.getUint16(at + 2);
  }
  return null;
}

function isWhole(bytes: Uint8Array, format: Header['format']): boolean {
  if (format === 'png') return contains(bytes.subarray(Math.max(0, bytes.length - 4096)), [0x49, 0x45, 0x4e, 0x44]);
  // cameras append data after the end marker
  if (format === 'jpeg') return contains(bytes.subarray(Math.floor(bytes.length / 2)), [0xff, 0xd9]);
  return true;
}

function contains(bytes: Uint8Array, pattern: readonly number[]): boolean {
  for (let i = bytes.length - pattern.length; i >= 0; i--) {
    if (pattern.every((value, k) => bytes[i + k] === value)) return true;
  }
  return false;
}
