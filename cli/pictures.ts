import { randomUUID } from 'node:crypto';
import { mkdir, readFile, realpath, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { StudioError } from '../src/protocol/errors.ts';
import { DEFAULT_SAVE_OPTIONS, type OpenedPicture, type PictureToSave, type SaveFormat } from '../src/protocol/picture-file.ts';
import type { Image8 } from '../src/protocol/request.ts';
import { VipsCodec } from '../workers/imaging/vips-codec.ts';
import { STANDARD } from './options.ts';
import { loadVips } from './vips.ts';

const FORMATS: Readonly<Record<string, SaveFormat>> = { '.png': 'png', '.jpg': 'jpeg', '.jpeg': 'jpeg', '.webp': 'webp' };
/** Where nothing is left for a file, or nothing may be written: no other file would fare better. */
const NO_ROOM = ['ENOSPC', 'EDQUOT', 'EFBIG'];

const codec = new VipsCodec(loadVips);
let standardInput: Promise<Buffer> | null = null;

/** A page of a picture file, from 0, in sRGB, turned as its EXIF orientation says, its 16 bits beside where it has them. Throws StudioError `image-*` with a sentence. */
export async function readPicture(path: string, page = 0): Promise<OpenedPicture> {
  const name = path === STANDARD ? 'standard input' : basename(path);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    if (path === STANDARD) standardInput ??= buffer(process.stdin);
    bytes = new Uint8Array((await (path === STANDARD ? standardInput : readFile(path))) ?? []);
  } catch (cause) {
    throw new StudioError('input-unreadable', `${reasonFor(cause, path)}.`, { details: { path }, cause });
  }
  return codec.decode(bytes, name, false, page);
}

function reasonFor(cause: unknown, path: string): string {
  const code = codeOf(cause);
  if (code === 'ENOENT' || code === 'ENOTDIR') return `There is no file “${path}”`;
  if (code === 'EISDIR') return `“${path}” is a folder`;
  return code === 'EACCES' || code === 'EPERM' ? `“${path}” may not be read` : `“${path}” could not be read (${code})`;
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
}

/** The format a file's name asks for. Throws StudioError `option-invalid` for another ending. */
export function formatOf(path: string): SaveFormat {
  const format = FORMATS[extname(path).toLowerCase()];
  if (format !== undefined) return format;
  throw new StudioError('option-invalid', `Expected OUTPUT to end in ${Object.keys(FORMATS).join(', ')}, got “${path}”.`);
}

/** Whether two paths are one file or folder. */
export async function isSamePlace(a: string, b: string): Promise<boolean> {
  const [first, second] = await Promise.all([a, b].map((path) => realpath(path).catch(() => null)));
  return first !== null && first === second;
}

/**
 * Makes sure, before anything is computed, that a folder is there and takes files. `make`: it may be made. Throws StudioError
 * `output-unwritable`.
 */
export async function checkFolder(folder: string, make: boolean): Promise<void> {
  const probe = temporaryIn(folder);
  try {
    if (make) await mkdir(folder, { recursive: true });
    await writeFile(probe, 'room');
  } catch (cause) {
    throw unwritable(folder, make ? 'could not be made or cannot be written to' : 'does not exist or cannot be written to', cause);
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}

/** Makes sure that a folder's disk has room for a result of so many bytes. Throws StudioError `storage-full`. */
export async function checkRoom(folder: string, sizeBytes: number): Promise<void> {
  // some file systems do not count
  const disk = await statfs(folder).catch(() => null);
  if (disk === null || disk.blocks === 0 || disk.bavail * disk.bsize >= sizeBytes) return;
  const [needed, free] = [sizeBytes, disk.bavail * disk.bsize].map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`);
  throw new StudioError('storage-full', `The disk of “${folder}” is full: a result takes about ${needed}, ${free} are free.`);
}

/** Writes a picture beside its place first, so that a failure leaves nothing half-written. Throws StudioError `output-unwritable` or `storage-full`. */
export async function writePicture(path: string, picture: PictureToSave): Promise<void> {
  const file = await codec.encode(picture);
  if (path === STANDARD) return writeStandard(new Uint8Array(await file.arrayBuffer()));
  const temporary = temporaryIn(dirname(path));
  try {
    await writeFile(temporary, file.stream());
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw unwritable(path, 'could not be written', cause);
  }
}

function writeStandard(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) =>
      error == null ? resolve() : reject(unwritable('standard output', 'could not be written', error)),
    );
  });
}

/** A short name: a picture's own may be as long as the file system allows. */
function temporaryIn(folder: string): string {
  return join(folder, `.${randomUUID().slice(0, 8)}.part`);
}

function unwritable(path: string, what: string, cause: unknown): StudioError {
  if (NO_ROOM.includes(codeOf(cause)))
    return new StudioError('storage-full', `There is no room left for “${path}”.`, { details: { path }, cause });
  return new StudioError('output-unwritable', `“${path}” ${what}.`, { details: { path }, cause });
}

/** A PNG of a picture alone. */
export function writeFrame(path: string, image: Image8): Promise<void> {
  return writePicture(path, { image, source: null, options: DEFAULT_SAVE_OPTIONS, texts: {} });
}
