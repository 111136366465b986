import { isAbort, StudioError } from '../../src/protocol/errors.ts';
import { altered, type BundleFiles, checkHash, type FileEntry, type OnBytes, verify } from './bundle-files.ts';
import { PartialFile } from './partial-file.ts';
import { createSha256 } from './sha256.ts';

const FOLDER = 'model-files';

/**
 * Bundles served by this site, kept in the origin private file system under their hash: files go to disk as they come, are hashed on the way,
 * and go on after a lost connection where it broke off; bundles that share a graph share its file. What is there already is hashed when a visit
 * first opens it. This is its only writer. Where the file system is missing or full, files stay in memory for the visit; `onUncached` hears why.
 */
export class OpfsFiles implements BundleFiles {
  readonly #base: URL;
  readonly #onUncached: (reason: string) => void;
  readonly #texts = new Map<string, Promise<string>>();
  /** Files of this visit, by hash. */
  readonly #sound = new Map<string, Blob>();
  readonly #coming = new Map<string, Promise<Blob>>();
  #folder: Promise<FileSystemDirectoryHandle | null> | null = null;

  /** `base`: URL of the folder of models, ending in a slash. */
  constructor(base: URL, onUncached: (reason: string) => void) {
    this.#base = base;
    this.#onUncached = onUncached;
  }

  /** Fetched once a visit. */
  text(path: string): Promise<string> {
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    const text = this.#fetch(path).then((response) => response.text());
    this.#texts.set(path, text);
    text.catch(() => this.#texts.delete(path));
    return text;
  }

  async has(file: FileEntry): Promise<boolean> {
    return this.#sound.has(file.sha256) || (await this.#kept(file)) !== null;
  }

  async open(file: FileEntry, onBytes: OnBytes, signal: AbortSignal): Promise<Blob> {
    for (;;) {
      const known = this.#sound.get(file.sha256) ?? this.#coming.get(file.sha256);
      try {
        return await (known ?? this.#begin(file, onBytes, signal));
      } catch (error) {
        // whoever began it may have been cancelled, while this one was not
        if (known === undefined || !isAbort(error)) throw error;
        signal.throwIfAborted();
      }
    }
  }

  /** Removes every kept file. */
  async clear(): Promise<void> {
    const root = await navigator.storage.getDirectory();
    this.#folder = null;
    this.#sound.clear();
    await root.removeEntry(FOLDER, { recursive: true }).catch((error: unknown) => {
      if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error;
    });
  }

  async #begin(file: FileEntry, onBytes: OnBytes, signal: AbortSignal): Promise<Blob> {
    const coming = this.#bring(file, onBytes, signal);
    this.#coming.set(file.sha256, coming);
    try {
      const sound = await coming;
      this.#sound.set(file.sha256, sound);
      return sound;
    } finally {
      this.#coming.delete(file.sha256);
    }
  }

  async #bring(file: FileEntry, onBytes: OnBytes, signal: AbortSignal): Promise<Blob> {
    const kept = await this.#kept(file);
    if (kept !== null) {
      const sound = await verify(kept, file).then(
        () => true,
        () => false,
      );
      if (sound) return kept;
    }
    const partial = await PartialFile.open(await this.#directory(), file.sha256, this.#onUncached);
    // what is whole but wrong is no beginning of the right one
    if (partial.sizeBytes >= file.sizeBytes) partial.restart();
    try {
      await this.#download(file, partial, onBytes, signal);
    } catch (error) {
      if (error instanceof StudioError && error.code === 'weights-altered') await partial.discard();
      else partial.leave();
      throw error;
    }
    return partial.finish();
  }

  /** Fetches what is missing. Throws StudioError `weights-altered` where the whole is not what was promised. */
  async #download(file: FileEntry, partial: PartialFile, onBytes: OnBytes, signal: AbortSignal): Promise<void> {
    const response = await this.#fetch(file.path, signal, partial.sizeBytes);
    let hash = await createSha256();
    if (response.status === 206) {
      for (const piece of partial.pieces()) hash.update(piece);
      await onBytes(partial.sizeBytes);
    } else if (partial.sizeBytes > 0) {
      partial.restart();
      hash = await createSha256();
    }
    const reader = response.body?.getReader();
    while (reader !== undefined) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw isAbort(cause) ? cause : lost(file.path, cause);
      });
      if (done) break;
      if (partial.sizeBytes + value.length > file.sizeBytes) {
        await reader.cancel();
        throw altered(file.path, { expectedBytes: file.sizeBytes });
      }
      hash.update(value);
      await partial.append(value);
      await onBytes(value.length);
    }
    checkHash(hash.digest(), file);
  }

  /** From byte `from` on, where the site gives parts of files. */
  async #fetch(path: string, signal?: AbortSignal, from = 0): Promise<Response> {
    let response: Response;
    try {
      const headers: HeadersInit = from === 0 ? {} : { range: `bytes=${from}-` };
      response = await fetch(new URL(path, this.#base), { headers, signal: signal ?? null });
    } catch (cause) {
      throw isAbort(cause) ? cause : lost(path, cause);
    }
    // a single-page server answers a missing file with its HTML page
    if (!response.ok || response.headers.get('content-type')?.includes('text/html')) {
      await response.body?.cancel();
      throw new StudioError('weights-missing', `The model file “${path}” is missing on this site.`, {
        details: { path, status: response.status },
      });
    }
    return response;
  }

  /** The whole file on disk, not yet verified; null where it is not there. */
  async #kept({ sha256, sizeBytes }: FileEntry): Promise<File | null> {
    const folder = await this.#directory();
    if (folder === null) return null;
    try {
      const file = await (await folder.getFileHandle(sha256)).getFile();
      return file.size === sizeBytes ? file : null;
    } catch (error) {
      if (error instanceof DOMException && error.name === 'NotFoundError') return null;
      throw error;
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

function lost(path: string, cause: unknown): StudioError {
  return new StudioError('network-failed', `The model file “${path}” could not be loaded. Check the connection and try again.`, { cause });
}
