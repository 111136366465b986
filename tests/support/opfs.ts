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

  constructor(disk: { readonly full: boolean }) {
    this.#disk = disk;
  }

  async getFile(): Promise<File> {
    return this.#content;
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
