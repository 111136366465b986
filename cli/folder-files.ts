import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StudioError } from '../src/protocol/errors.ts';
import { type BundleFiles, type FileEntry, verify } from '../workers/model-store/bundle-files.ts';

/** Bundles in a folder on disk. */
export class FolderFiles implements BundleFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async text(path: string): Promise<string> {
    return (await this.#read(path)).toString('utf8');
  }

  async has(): Promise<boolean> {
    return true;
  }

  async bytes(file: FileEntry, _onBytes: (count: number) => void, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    signal.throwIfAborted();
    const data = new Uint8Array(await this.#read(file.path));
    await verify(data, file);
    return data;
  }

  async #read(path: string): Promise<Buffer> {
    try {
      return await readFile(join(this.#folder, path));
    } catch (cause) {
      throw new StudioError('weights-missing', `The model file “${path}” is missing in ${this.#folder}.`, { details: { path }, cause });
    }
  }
}
