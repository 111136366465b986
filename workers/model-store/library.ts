import { StudioError } from '../../src/protocol/errors.ts';
import { type BundleIndex, parseIndex } from '../../src/protocol/manifest.ts';
import { sizeWords } from '../../src/protocol/words.ts';
import { AddedBundles } from './added-bundles.ts';
import type { Bundle, BundleFiles, FileEntry, OnBytes } from './bundle-files.ts';
import type { BundleSource } from './bundle-source.ts';
import { FileStore } from './file-store.ts';
import type { OnUnkept } from './partial-file.ts';
import { WebSource } from './web-source.ts';

const INDEX = 'index.json';

/**
 * The models there are: the site's, whose files come when they are first needed, and those that a person added, once all of their files are here.
 * Asks no other site for anything.
 */
export class Library implements BundleFiles {
  readonly files: FileStore;
  readonly site: WebSource;
  readonly added = new AddedBundles();
  readonly #texts = new Map<string, Promise<string>>();

  /** `base`: URL of the site's folder of models, ending in a slash. `onUnkept`: as of FileStore. */
  constructor(base: URL, onUnkept: OnUnkept) {
    this.site = new WebSource(base);
    this.files = new FileStore(onUnkept);
  }

  /** Every model that can be run, and each that cannot with the reason. */
  async index(): Promise<BundleIndex> {
    const { bundles, declined } = await this.siteIndex();
    const added = await this.added.list();
    const whole: BundleIndex['bundles'][number][] = [];
    for (const { bundle, address } of added.found) {
      if (await this.#isWhole(bundle)) whole.push({ ...summaryOf(bundle), manifest: address });
    }
    return { bundles: [...bundles, ...whole], declined: [...declined, ...added.declined] };
  }

  /** The site's own alone. */
  async siteIndex(): Promise<BundleIndex> {
    return parseIndex(await this.#siteText(INDEX));
  }

  /** Fetched once a visit; the index and manifests of what was added are here. */
  async text(path: string): Promise<string> {
    if (path === INDEX) return JSON.stringify({ schema: 1, bundles: (await this.index()).bundles });
    if (!path.includes('://')) return this.#siteText(path);
    const found = (await this.added.list()).found.find(({ address }) => address === path);
    if (found === undefined)
      throw new StudioError('weights-missing', `The model file “${path}” is not here any more.`, { details: { path } });
    return found.manifest;
  }

  has(file: FileEntry): Promise<boolean> {
    return this.files.has(file);
  }

  open(file: FileEntry, onBytes: OnBytes, signal: AbortSignal): Promise<Blob> {
    return this.files.open(file, this.#read, onBytes, signal);
  }

  /** Reads from the site; files of what was added come by way of the page that lists models. */
  readonly #read: BundleSource['read'] = async (file, fromByte, signal) => {
    if (!file.path.includes('://')) return this.site.read(file, fromByte, signal);
    const here = await this.files.keptBytes(file);
    const message = `Of the model file “${file.path}” ${sizeWords(here)} of ${sizeWords(file.sizeBytes)} are here. Load the rest under “Models”.`;
    throw new StudioError('weights-missing', message, { details: { path: file.path } });
  };

  #siteText(path: string): Promise<string> {
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    const text = this.site.text(path);
    this.#texts.set(path, text);
    text.catch(() => this.#texts.delete(path));
    return text;
  }

  async #isWhole({ files }: Bundle): Promise<boolean> {
    for (const file of files) if (!(await this.files.has(file))) return false;
    return true;
  }
}

/** What a list says of a bundle. */
export function summaryOf({ manifest, files }: Bundle) {
  const { id, title, family, variant, size } = manifest;
  return { id, title, family, variant, size, sizeBytes: bytesOf(files) };
}

export function bytesOf(files: readonly FileEntry[]): number {
  return files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
