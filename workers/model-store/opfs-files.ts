import { StudioError } from '../../src/protocol/errors.ts';
import { type BundleFiles, type FileEntry, verify } from './bundle-files.ts';

const FOLDER = 'model-files';

/**
 * Bundles served by this site, kept in the origin private file system under their hash: large files stream to disk there without
 * passing through structured clones as in IndexedDB, and bundles that share a graph share its file. This is its only writer.
 * Where the file system is missing or full, files are fetched each time; `onUncached` hears of it once.
 */
export class OpfsFiles implements BundleFiles {
  readonly #base: URL;
  readonly #onUncached: (reason: string) => void;
  #folder: Promise<FileSystemDirectoryHandle | null> | null = null;

  /** `base`: URL of the folder of models, ending in a slash. */
  constructor(base: URL, onUncached: (reason: string) => void) {
    this.#base = base;
    this.#onUncached = onUncached;
  }

  async text(path: string): Promise<string> {
    return (await this.#fetch(path)).text();
  }

  async has(file: FileEntry): Promise<boolean> {
    return (await this.#open(file)) !== null;
  }

  async bytes(file: FileEntry, onBytes: (count: number) => void, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const kept = await this.#open(file);
    if (kept !== null) {
      const data = new Uint8Array(await kept.arrayBuffer());
      const sound = await verify(data, file).then(
        () => true,
        () => false,
      );
      if (sound) return data;
    }
    const data = await this.#download(file, onBytes, signal);
    await verify(data, file);
    await this.#keep(file, data);
    return data;
  }

  /** Removes every kept file. */
  async clear(): Promise<void> {
    const root = await navigator.storage.getDirectory();
    this.#folder = null;
    await root.removeEntry(FOLDER, { recursive: true }).catch((error: unknown) => {
      if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error;
    });
  }

  async #download(file: FileEntry, onBytes: (count: number) => void, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const response = await this.#fetch(file.path, signal);
    const data = new Uint8Array(file.sizeBytes);
    let filled = 0;
    const reader = response.body?.getReader();
    while (reader !== undefined) {
      const { done, value } = await reader.read();
      if (done) break;
      if (filled + value.length > data.length) break;
      data.set(value, filled);
      filled += value.length;
      onBytes(value.length);
    }
    return data;
  }

  async #fetch(path: string, signal?: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      response = await fetch(new URL(path, this.#base), signal === undefined ? {} : { signal });
    } catch (cause) {
      if (cause instanceof Error && cause.name === 'AbortError') throw cause;
      throw new StudioError('network-failed', `The model file “${path}” could not be loaded. Check the connection and try again.`, {
        cause,
      });
    }
    // a single-page server answers a missing file with its HTML page
    if (!response.ok || response.headers.get('content-type')?.includes('text/html')) {
      throw new StudioError('weights-missing', `The model file “${path}” is missing on this site.`, {
        details: { path, status: response.status },
      });
    }
    return response;
  }

  async #open({ sha256 }: FileEntry): Promise<File | null> {
    const folder = await this.#directory();
    if (folder === null) return null;
    try {
      return await (await folder.getFileHandle(sha256)).getFile();
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotFoundError') return null;
      throw error;
    }
  }

  async #keep({ sha256 }: FileEntry, data: Uint8Array<ArrayBuffer>): Promise<void> {
    const folder = await this.#directory();
    if (folder === null) return;
    try {
      const stream = await (await folder.getFileHandle(sha256, { create: true })).createWritable();
      await stream.write(data);
      await stream.close();
    } catch (error) {
      this.#onUncached(error instanceof Error ? error.message : String(error));
    }
  }

  #directory(): Promise<FileSystemDirectoryHandle | null> {
    this.#folder ??= (async () => {
      try {
        return await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
      } catch (error) {
        this.#onUncached(error instanceof Error ? error.message : String(error));
        return null;
      }
    })();
    return this.#folder;
  }
}
