/** The part of the origin private file system that the studio uses, in memory; a full one takes no more bytes. */
export class MemoryFolder {
  readonly kind = 'directory';
  readonly #entries = new Map<string, MemoryFolder | MemoryFile>();
  readonly disk: { full: boolean };

  constructor(disk = { full: false }) {
    this.disk = disk;
  }

  async getDirectoryHandle(name: string, { create = false } = {}): Promise<MemoryFolder> {
    return this.#entry(name, create, () => new MemoryFolder(this.disk)) as MemoryFolder;
  }

  async getFileHandle(name: string, { create = false } = {}): Promise<MemoryFile> {
    return this.#entry(name, create, () => new MemoryFile(this.disk)) as MemoryFile;
  }

  async removeEntry(name: string): Promise<void> {
    if (!this.#entries.delete(name)) throw missing(name);
  }

  async *entries(): AsyncGenerator<[string, MemoryFolder | MemoryFile]> {
    yield* this.#entries;
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  #entry(name: string, create: boolean, make: () => MemoryFolder | MemoryFile): MemoryFolder | MemoryFile {
    const known = this.#entries.get(name);
    if (known === undefined && !create) throw missing(name);
    const entry = known ?? make();
    this.#entries.set(name, entry);
    return entry;
  }
}

class MemoryFile {
  readonly kind = 'file';
  readonly #disk: { readonly full: boolean };
  #content = new File([], '');
  #bytes = new Uint8Array(0);

  constructor(disk: { readonly full: boolean }) {
    this.#disk = disk;
  }

  async getFile(): Promise<File> {
    return this.#content;
  }

  /** Written in place. */
  async createSyncAccessHandle() {
    this.#bytes = new Uint8Array(await this.#content.arrayBuffer());
    return {
      getSize: (): number => this.#bytes.length,
      read: (into: Uint8Array, { at }: { readonly at: number }): void => into.set(this.#bytes.subarray(at, at + into.length)),
      write: (bytes: Uint8Array, { at }: { readonly at: number }): number => {
        if (this.#disk.full) throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
        const grown = new Uint8Array(Math.max(this.#bytes.length, at + bytes.length));
        grown.set(this.#bytes);
        grown.set(bytes, at);
        this.#bytes = grown;
        return bytes.length;
      },
      truncate: (sizeBytes: number): void => {
        this.#bytes = this.#bytes.slice(0, sizeBytes);
      },
      flush: (): void => {},
      close: (): void => {
        this.#content = new File([this.#bytes], '', { lastModified: Date.now() });
      },
    };
  }

  /** As the real one: what is written is there once it is closed. */
  async createWritable() {
    const parts: BlobPart[] = [];
    return {
      write: async (part: BlobPart): Promise<void> => {
        if (this.#disk.full) throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
        parts.push(part);
      },
      close: async (): Promise<void> => {
        this.#content = new File(parts, '', { lastModified: Date.now() });
      },
    };
  }
}

function missing(name: string): DOMException {
  return new DOMException(`${name} is not there.`, 'NotFoundError');
}
