import { openAsBlob } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StudioError } from '../src/protocol/errors.ts';
import { type BundleFiles, type FileEntry, type OnBytes, verify } from '../workers/model-store/bundle-files.ts';

/** Bundles in a folder on disk; each file is hashed when it is first opened. */
export class FolderFiles implements BundleFiles {
  readonly #folder: string;
  readonly #sound = new Map<string, Blob>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  text(path: string): Promise<string> {
    return this.#found(path, (place) => readFile(place, 'utf8'));
  }

  async has(): Promise<boolean> {
    return true;
  }

  async open(file: FileEntry, _onBytes: OnBytes, signal: AbortSignal): Promise<Blob> {
    signal.throwIfAborted();
    const known = this.#sound.get(file.sha256);
    if (known !== undefined) return known;
    const found = await this.#found(file.path, (place) => openAsBlob(place));
    await verify(found, file);
    this.#sound.set(file.sha256, found);
    return found;
  }

  async #found<T>(path: string, read: (place: string) => Promise<T>): Promise<T> {
    try {
      return await read(join(this.#folder, path));
    } catch (cause) {
      throw new StudioError('weights-missing', `The model file “${path}” is missing in ${this.#folder}.`, { details: { path }, cause });
    }
  }
}
