import { isAbort, StudioError } from '../../src/protocol/errors.ts';
import { type FileEntry, type OnBytes, verify } from './bundle-files.ts';
import type { BundleSource } from './bundle-source.ts';
import { altered, endless, lost, otherSize, truncated, webPage } from './file-faults.ts';
import { alone } from './locks.ts';
import { type OnUnkept, PartialFile } from './partial-file.ts';
import { createSha256 } from './sha256.ts';

const FOLDER = 'model-files';

/** Bytes that a web page is known by. */
const HEAD_BYTES = 512;
const WEB_PAGE = /^\s*<(!doctype|html|head|body)\b/i;

/**
 * Files of models, kept in the origin private file system under their hash: they go to disk as they come, are hashed on the way, and go on where
 * they were broken off; bundles that share a graph share its file. What is there already is hashed when a visit first opens it. Any number of
 * tabs and workers may have one: a file has one writer at a time, for which the others wait. Where something cannot be kept, `onUnkept` hears
 * why; unless it throws, the file stays in memory for the visit.
 */
export class FileStore {
  readonly #onUnkept: OnUnkept;
  /** Files of this visit, by hash. */
  readonly #sound = new Map<string, Blob>();
  readonly #coming = new Map<string, Promise<Blob>>();
  #folder: Promise<FileSystemDirectoryHandle | null> | null = null;

  constructor(onUnkept: OnUnkept) {
    this.#onUnkept = onUnkept;
  }

  /** Whether all of a file is here; only `open` knows that it is sound. */
  async has(file: FileEntry): Promise<boolean> {
    return this.#sound.has(file.sha256) || (await this.#kept(file)) !== null;
  }

  /** How much of a file is on disk. */
  async keptBytes({ sha256, sizeBytes }: FileEntry): Promise<number> {
    return Math.min(sizeBytes, (await this.#onDisk(sha256))?.size ?? 0);
  }

  /** A verified file: the one that is here, or what `read` gives. Throws StudioError, its own and those of `read`; AbortError after a cancel. */
  async open(file: FileEntry, read: BundleSource['read'], onBytes: OnBytes, signal: AbortSignal): Promise<Blob> {
    for (;;) {
      const sound = await this.#stillSound(file);
      if (sound !== null) return sound;
      const known = this.#coming.get(file.sha256);
      try {
        return await (known ?? this.#begin(file, read, onBytes, signal));
      } catch (error) {
        // whoever began it may have been cancelled, while this one was not
        if (known === undefined || !isAbort(error)) throw error;
        signal.throwIfAborted();
      }
    }
  }

  /** Hashes a file that is here, and removes it where it is damaged. True where it is sound, null where it is not here. */
  async check(file: FileEntry, signal: AbortSignal): Promise<boolean | null> {
    return this.#alone(file.sha256, signal, async () => {
      const kept = await this.#kept(file);
      if (kept === null) return null;
      if (await isSound(kept, file)) return true;
      await this.#discard(file.sha256);
      return false;
    });
  }

  /** Removes files by hash, as far as they are here. Gives how many bytes. */
  async remove(hashes: Iterable<string>): Promise<number> {
    let bytes = 0;
    for (const hash of hashes) {
      bytes += (await this.#onDisk(hash))?.size ?? 0;
      await this.#alone(hash, undefined, () => this.#discard(hash));
    }
    return bytes;
  }

  /** All that is on disk: bytes by hash. */
  async contents(): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    const folder = await this.#directory();
    if (folder === null) return found;
    for await (const [name, entry] of folder.entries()) if (entry.kind === 'file') found.set(name, (await entry.getFile()).size);
    return found;
  }

  async #begin(file: FileEntry, read: BundleSource['read'], onBytes: OnBytes, signal: AbortSignal): Promise<Blob> {
    const coming = this.#bring(file, read, onBytes, signal);
    this.#coming.set(file.sha256, coming);
    try {
      const sound = await coming;
      this.#sound.set(file.sha256, sound);
      return sound;
    } finally {
      this.#coming.delete(file.sha256);
    }
  }

  async #bring(file: FileEntry, read: BundleSource['read'], onBytes: OnBytes, signal: AbortSignal): Promise<Blob> {
    const wasHere = (await this.#kept(file)) !== null;
    return this.#alone(file.sha256, signal, async () => {
      const kept = await this.#kept(file);
      if (kept !== null && (await isSound(kept, file))) {
        // another tab brought it
        if (!wasHere) await onBytes(file.sizeBytes);
        return kept;
      }
      const partial = await PartialFile.open(await this.#directory(), file.sha256, this.#onUnkept);
      // what is whole but wrong is no beginning of the right one
      if (partial.sizeBytes >= file.sizeBytes) partial.restart();
      try {
        await this.#fill(file, partial, read, onBytes, signal);
      } catch (error) {
        const wrong = error instanceof StudioError && error.code === 'weights-altered';
        if (wrong || partial.sizeBytes === 0) await partial.discard();
        else partial.leave();
        throw error;
      }
      return partial.finish();
    });
  }

  /** Brings what is missing. Throws StudioError `weights-altered` where the whole is not what was promised. */
  async #fill(file: FileEntry, partial: PartialFile, read: BundleSource['read'], onBytes: OnBytes, signal: AbortSignal): Promise<void> {
    const hadBytes = partial.sizeBytes;
    const body = await read(file, hadBytes, signal);
    const hash = await createSha256();
    if (body.fromByte === 0) partial.restart();
    const head = new Head();
    for (const piece of partial.pieces()) {
      hash.update(piece);
      head.add(piece);
    }
    if (partial.sizeBytes > 0) await onBytes(partial.sizeBytes);
    const refuse = (error: StudioError): StudioError => {
      if (!head.isWebPage) return error;
      partial.restart();
      return webPage(file.path, body.where);
    };
    const { wholeBytes } = body;
    const reader = body.stream.getReader();
    for (;;) {
      const { done, value } = await reader.read().catch((cause: unknown) => {
        throw isAbort(cause) ? cause : lost(file.path, cause);
      });
      signal.throwIfAborted();
      if (done) break;
      head.add(value);
      const tooLong = partial.sizeBytes + value.length > file.sizeBytes;
      const foreign = wholeBytes === null ? head.isWebPage : wholeBytes !== file.sizeBytes;
      if (tooLong || foreign) {
        await reader.cancel();
        throw refuse(wholeBytes === null ? endless(file) : otherSize(file, wholeBytes));
      }
      hash.update(value);
      await partial.append(value);
      await onBytes(value.length);
    }
    if (partial.sizeBytes < file.sizeBytes) {
      // nothing more is there, and nothing more would come
      const ended = wholeBytes === partial.sizeBytes || (hadBytes > 0 && partial.sizeBytes === hadBytes);
      throw refuse(ended ? otherSize(file, partial.sizeBytes) : truncated(file, partial.sizeBytes));
    }
    const found = hash.digest();
    if (found !== file.sha256) throw refuse(altered(file, found));
  }

  #alone<T>(hash: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return alone(`model-file/${hash}`, work, signal);
  }

  /** The file of this visit, unless it was removed meanwhile by another tab or worker. */
  async #stillSound({ sha256 }: FileEntry): Promise<Blob | null> {
    const sound = this.#sound.get(sha256);
    if (sound === undefined) return null;
    try {
      await sound.slice(0, 1).arrayBuffer();
      return sound;
    } catch {
      this.#sound.delete(sha256);
      return null;
    }
  }

  async #discard(hash: string): Promise<void> {
    this.#sound.delete(hash);
    await ifThere(async () => (await this.#directory())?.removeEntry(hash));
  }

  /** The whole file on disk, not yet verified; null where it is not there. */
  async #kept({ sha256, sizeBytes }: FileEntry): Promise<File | null> {
    const file = await this.#onDisk(sha256);
    return file?.size === sizeBytes ? file : null;
  }

  async #onDisk(hash: string): Promise<File | null> {
    const folder = await this.#directory();
    return folder === null ? null : ifThere(async () => (await folder.getFileHandle(hash)).getFile());
  }

  #directory(): Promise<FileSystemDirectoryHandle | null> {
    this.#folder ??= (async () => {
      try {
        return await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
      } catch (error) {
        this.#onUnkept(error);
        return null;
      }
    })();
    this.#folder.catch(() => {
      this.#folder = null;
    });
    return this.#folder;
  }
}

/** The beginning of a file, as far as it tells a web page. */
class Head {
  #bytes = new Uint8Array(0);

  add(bytes: Uint8Array): void {
    const room = HEAD_BYTES - this.#bytes.length;
    if (room > 0) this.#bytes = Uint8Array.from([...this.#bytes, ...bytes.subarray(0, room)]);
  }

  get isWebPage(): boolean {
    return WEB_PAGE.test(new TextDecoder().decode(this.#bytes));
  }
}

async function isSound(kept: Blob, file: FileEntry): Promise<boolean> {
  try {
    await verify(kept, file);
    return true;
  } catch (error) {
    if (error instanceof StudioError) return false;
    throw error;
  }
}

/** Null where what it reads is not there. */
async function ifThere<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return null;
    throw error;
  }
}
