/** Hears why something cannot be kept; where it throws, nothing goes on without. */
export type OnUnkept = (cause: unknown) => void;

/** Bytes read at once of what is there of a file. */
const PIECE_BYTES = 2 ** 22;

/**
 * A file that is being downloaded. It grows in place on disk, where what is there outlasts a lost connection and a closed page; where the disk
 * takes no more, what it has moves to memory and the rest follows. `onUnkept` hears why.
 */
export class PartialFile {
  readonly #folder: FileSystemDirectoryHandle | null;
  readonly #name: string;
  readonly #onUnkept: OnUnkept;
  #disk: SyncAccess | null = null;
  #memory: Blob[] = [];
  #sizeBytes = 0;

  private constructor(folder: FileSystemDirectoryHandle | null, name: string, onUnkept: OnUnkept) {
    this.#folder = folder;
    this.#name = name;
    this.#onUnkept = onUnkept;
  }

  /** The file of that name as far as it is there; in memory where there is no folder, or none for it. */
  static async open(folder: FileSystemDirectoryHandle | null, name: string, onUnkept: OnUnkept): Promise<PartialFile> {
    const file = new PartialFile(folder, name, onUnkept);
    if (folder === null) return file;
    try {
      file.#disk = await syncAccess(await folder.getFileHandle(name, { create: true }));
      file.#sizeBytes = file.#disk.getSize();
    } catch (error) {
      onUnkept(error);
    }
    return file;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** What is there of it on disk, piece by piece. */
  *pieces(): Generator<Uint8Array<ArrayBuffer>> {
    for (let at = 0; this.#disk !== null && at < this.#sizeBytes; at += PIECE_BYTES) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, this.#sizeBytes - at));
      this.#disk.read(piece, { at });
      yield piece;
    }
  }

  async append(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#disk === null || !(await this.#wroteOn(this.#disk, bytes))) this.#memory.push(new Blob([bytes]));
    this.#sizeBytes += bytes.length;
  }

  /** Begins anew. */
  restart(): void {
    this.#disk?.truncate(0);
    this.#memory = [];
    this.#sizeBytes = 0;
  }

  /** The whole file. */
  async finish(): Promise<Blob> {
    if (this.#disk === null || this.#folder === null) return new Blob(this.#memory);
    this.leave();
    return (await this.#folder.getFileHandle(this.#name)).getFile();
  }

  /** Lets go of the file, for another to go on with. */
  leave(): void {
    this.#disk?.flush();
    this.#disk?.close();
    this.#disk = null;
  }

  /** Removes what is there of it. */
  async discard(): Promise<void> {
    this.#disk?.close();
    this.#disk = null;
    this.#memory = [];
    await this.#folder?.removeEntry(this.#name).catch(() => {});
  }

  async #wroteOn(disk: SyncAccess, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    try {
      if (disk.write(bytes, { at: this.#sizeBytes }) === bytes.length) return true;
      throw new DOMException('there is no more room', 'QuotaExceededError');
    } catch (error) {
      this.#onUnkept(error);
    }
    const moved = [...this.pieces()].map((piece) => new Blob([piece]));
    await this.discard();
    this.#memory = moved;
    return false;
  }
}

/** A file that is written in place, as dedicated workers may; TypeScript's types of the page lack it. */
interface SyncAccess {
  getSize(): number;
  read(into: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  write(bytes: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  truncate(sizeBytes: number): void;
  flush(): void;
  close(): void;
}

function syncAccess(handle: FileSystemFileHandle): Promise<SyncAccess> {
  return (handle as unknown as { createSyncAccessHandle(): Promise<SyncAccess> }).createSyncAccessHandle();
}
