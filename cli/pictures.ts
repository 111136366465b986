import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { StudioError } from '../src/protocol/errors.ts';
import { DEFAULT_SAVE_OPTIONS, type OpenedPicture, type PictureToSave, type SaveFormat } from '../src/protocol/picture-file.ts';
import type { Image8 } from '../src/protocol/request.ts';
import { VipsCodec } from '../workers/imaging/vips-codec.ts';
import { loadVips } from './vips.ts';

const FORMATS: Readonly<Record<string, SaveFormat>> = { '.png': 'png', '.jpg': 'jpeg', '.jpeg': 'jpeg', '.webp': 'webp' };

const codec = new VipsCodec(loadVips);

/** A picture file in sRGB, turned as its EXIF orientation says. Throws StudioError `image-*` with a sentence. */
export async function readPicture(path: string): Promise<OpenedPicture> {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = new Uint8Array(await readFile(path));
  } catch (cause) {
    throw new StudioError('image-empty', `“${path}” could not be read.`, { details: { path }, cause });
  }
  return codec.decode(bytes, path);
}

/** The format a file's name asks for. Throws StudioError `option-invalid` for another ending. */
export function formatOf(path: string): SaveFormat {
  const format = FORMATS[extname(path).toLowerCase()];
  if (format !== undefined) return format;
  throw new StudioError('option-invalid', `Expected OUTPUT to end in ${Object.keys(FORMATS).join(', ')}, got “${path}”.`);
}

/** Writes a picture beside its place first, so that a failure leaves nothing half-written. Throws StudioError `output-unwritable`. */
export async function writePicture(path: string, picture: PictureToSave): Promise<void> {
  const file = await codec.encode(picture);
  const temporary = `${path}.part`;
  try {
    await writeFile(temporary, file.stream());
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new StudioError('output-unwritable', `“${path}” could not be written.`, { details: { path }, cause });
  }
}

/** A PNG of a picture alone. */
export function writeFrame(path: string, image: Image8): Promise<void> {
  return writePicture(path, { image, source: null, options: DEFAULT_SAVE_OPTIONS, texts: {} });
}
