import { StudioError } from '../../src/protocol/errors.ts';
import type { GivenFile } from '../../src/protocol/models-api.ts';
import { beside, type FileEntry } from './bundle-files.ts';
import type { Body, BundleSource, FoundBundle } from './bundle-source.ts';
import { missing, otherSize } from './file-faults.ts';

/** What addresses of given files begin with. */
export const GIVEN = 'folder://';

/**
 * Bundles among files that a person gave: a folder with all in it, or single files. Graphs are found where the manifest says, or by their name
 * alone, since that is all that is known of files that were not given in their folder.
 */
export class FolderSource implements BundleSource {
  readonly #name: string;
  readonly #files: ReadonlyMap<string, File>;
  readonly #byName: ReadonlyMap<string, File>;

  /** `name`: what the person calls it. */
  constructor(name: string, files: readonly GivenFile[]) {
    this.#name = name;
    this.#files = new Map(files.map(({ path, file }) => [`${GIVEN}given/${path.replace(/^\/+/, '')}`, file]));
    this.#byName = new Map(files.map(({ path, file }) => [lastOf(path), file]));
  }

  async find() {
    const found: FoundBundle[] = [];
    for (const [address, file] of this.#files) {
      if (lastOf(address) === 'manifest.json') found.push({ name: address.split('/').at(-2) ?? '', address, text: await file.text() });
    }
    if (found.length > 0) return { found, declined: [] };
    const message = `There is no manifest.json in “${this.#name}”. A model is a folder with a manifest.json and the files that it names.`;
    throw new StudioError('weights-missing', message);
  }

  /** Why the bundle at `address` cannot be read from what was given: each file that is not there, or not as long as it should be. */
  faults(files: readonly FileEntry[], isHere: (file: FileEntry) => boolean): readonly string[] {
    return files.flatMap((entry) => {
      if (isHere(entry)) return [];
      const file = this.#fileAt(entry.path);
      if (file === undefined) return [missing(nameOf(entry), this.#where).message];
      return file.size === entry.sizeBytes ? [] : [otherSize({ ...entry, path: nameOf(entry) }, file.size).message];
    });
  }

  async read(entry: FileEntry, fromByte: number, signal: AbortSignal): Promise<Body> {
    signal.throwIfAborted();
    const file = this.#fileAt(entry.path);
    if (file === undefined) throw missing(nameOf(entry), this.#where);
    return { fromByte, stream: file.slice(fromByte).stream(), wholeBytes: file.size, where: this.#where };
  }

  get #where(): string {
    return `in “${this.#name}”`;
  }

  #fileAt(path: string): File | undefined {
    return this.#files.get(path) ?? this.#byName.get(lastOf(path));
  }
}

/** The address of a given bundle's manifest in the store, where it goes by its id. */
export function givenAddress(id: string): string {
  return beside(`${GIVEN}${id}/`, 'manifest.json');
}

function nameOf({ path }: FileEntry): string {
  return path.startsWith(GIVEN) ? path.slice(path.indexOf('/', GIVEN.length) + 1) : path;
}

function lastOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
