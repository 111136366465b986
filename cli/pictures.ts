import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import sharp from 'sharp';
import { StudioError } from '../src/protocol/errors.ts';
import type { Image8 } from '../src/protocol/request.ts';
import { checkHeader } from '../workers/imaging/header.ts';

/** A picture file as RGBA8, turned as its EXIF orientation says. Throws StudioError `image-*` with a sentence. */
export async function readPicture(path: string): Promise<Image8> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new StudioError('image-empty', `“${path}” could not be read.`, { details: { path }, cause });
  }
  checkHeader(new Uint8Array(bytes), path);
  try {
    const { data, info } = await sharp(bytes, { failOn: 'truncated' })
      .rotate()
      .toColourspace('srgb')
      .ensureAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { height: info.height, width: info.width, rgba8: new Uint8ClampedArray(data) };
  } catch (cause) {
    throw new StudioError('image-truncated', `“${path}” is damaged or cut short and cannot be read.`, { details: { path }, cause });
  }
}

/** Writes a PNG beside its place first, so that a failure leaves nothing half-written. Throws StudioError `output-unwritable`. */
export async function writePicture(path: string, { height, width, rgba8 }: Image8): Promise<void> {
  const opaque = rgba8.every((value, i) => i % 4 !== 3 || value === 255);
  const picture = sharp(Buffer.from(rgba8.buffer, rgba8.byteOffset, rgba8.length), { raw: { height, width, channels: 4 } });
  const png = await (opaque ? picture.removeAlpha() : picture).png().toBuffer();
  const temporary = `${path}.part`;
  try {
    await writeFile(temporary, png);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new StudioError('output-unwritable', `“${path}” could not be written.`, { details: { path }, cause });
  }
}
