import { StudioError } from '../../src/protocol/errors.ts';
import type { Added, GivenFile, ModelOrigin, ModelsApi, OnModelProgress, Shelf, ShelvedModel } from '../../src/protocol/models-api.ts';
import type { ReadableBundle } from './added-bundles.ts';
import { type Bundle, type FileEntry, type OnBytes, openAll, readBundle } from './bundle-files.ts';
import type { BundleSource, DeclinedBundle, FoundBundle } from './bundle-source.ts';
import { noRoom } from './file-faults.ts';
import { FolderSource, givenAddress } from './folder-source.ts';
import { bytesOf, type Library, summaryOf } from './library.ts';
import { WebSource } from './web-source.ts';

/** Progress is told no more often. */
const TELL_MS = 100;
const NEVER = new AbortController().signal;

/** A bundle and where it is from. */
interface Shelved {
  readonly bundle: Bundle;
  /** Of its manifest. */
  readonly text: string;
  readonly origin: ModelOrigin;
}

/** The models of this device: what is here of each, and whatever adds, brings, checks and removes them. `onChange` hears when there are others. */
export class ModelShelf implements ModelsApi {
  readonly #library: Library;
  readonly #onChange: () => void;
  /** Downloads and imports under way, by the id of their model. */
  readonly #under = new Map<string, AbortController>();

  constructor(library: Library, onChange: () => void) {
    this.#library = library;
    this.#onChange = onChange;
  }

  async shelf(): Promise<Shelf> {
    const { shelved, declined, complete } = await this.#all();
    const contents = await this.#library.files.contents();
    const kept = ({ sha256, sizeBytes }: FileEntry): number => Math.min(sizeBytes, contents.get(sha256) ?? 0);
    const models = shelved.map(({ bundle, origin }): ShelvedModel => {
      const { files, manifest } = bundle;
      return {
        ...summaryOf(bundle),
        license: manifest.license,
        origin,
        keptBytes: sum(files.map(kept)),
        ownBytes: sum(ownFiles(bundle, shelved).map(kept)),
        files: files.length,
        keptFiles: files.filter((file) => kept(file) === file.sizeBytes).length,
      };
    });
    const needless = complete ? needlessOf(contents, shelved) : [];
    const { usage, quota } = await estimate();
    return {
      models,
      declined,
      needlessBytes: sum(needless.map((hash) => contents.get(hash) ?? 0)),
      usedBytes: usage,
      quotaBytes: quota,
    };
  }

  async manifest(bundleId: string): Promise<string> {
    const { text } = await this.#find(bundleId);
    return text;
  }

  async addFiles(name: string, files: readonly GivenFile[], onProgress: OnModelProgress): Promise<Added> {
    const source = new FolderSource(name, files);
    return this.#add(source, async (found, bundle) => {
      const { id } = bundle.manifest;
      const isHere = new Set<FileEntry>();
      for (const file of bundle.files) if (await this.#library.files.has(file)) isHere.add(file);
      const faults = source.faults(bundle.files, (file) => isHere.has(file));
      if (faults.length > 0) throw new StudioError('weights-missing', faults.join(' '));
      const known = await this.#findAdded(id);
      await this.#library.added.put(id, { kind: 'folder', place: name, address: givenAddress(id), manifest: found.text });
      try {
        await this.#bring(bundle, source.read.bind(source), onProgress);
      } catch (error) {
        if (error instanceof StudioError && error.code === 'weights-altered' && known === undefined) await this.#forget(bundle);
        throw error;
      }
    });
  }

  async addAddress(address: string): Promise<Added> {
    const place = new URL(address);
    return this.#add(new WebSource(place), async (found, { manifest }) => {
      await this.#library.added.put(manifest.id, { kind: 'url', place: place.href, address: found.address, manifest: found.text });
    });
  }

  async download(bundleId: string, onProgress: OnModelProgress): Promise<void> {
    const { bundle, origin } = await this.#find(bundleId);
    const source = origin.kind === 'url' ? new WebSource(new URL(origin.place)) : this.#library.site;
    if (origin.kind === 'folder') {
      const message = `“${bundle.manifest.title}” came from the folder “${origin.place}”: choose that folder again to bring what is missing.`;
      throw new StudioError('weights-missing', message, { details: { bundleId } });
    }
    await this.#bring(bundle, source.read.bind(source), onProgress);
    this.#onChange();
  }

  async pause(bundleId: string | null): Promise<void> {
    for (const [id, control] of this.#under) if (bundleId === null || bundleId === id) control.abort();
  }

  async verify(bundleId: string, onProgress: OnModelProgress): Promise<readonly string[]> {
    const { bundle } = await this.#find(bundleId);
    const { manifest, files } = bundle;
    const damaged: string[] = [];
    let doneBytes = 0;
    for (const file of files) {
      if ((await this.#library.files.check(file, NEVER)) === false) damaged.push(file.path.slice(file.path.lastIndexOf('/') + 1));
      doneBytes += file.sizeBytes;
      await onProgress({ bundleId: manifest.id, doneBytes, totalBytes: bytesOf(files) });
    }
    if (damaged.length > 0) this.#onChange();
    return damaged;
  }

  async remove(bundleId: string): Promise<void> {
    await this.pause(bundleId);
    const { bundle, origin } = await this.#find(bundleId);
    if (origin.kind === 'site') await this.#removeFiles(bundle);
    else await this.#forget(bundle);
    this.#onChange();
  }

  async tidy(): Promise<number> {
    const { shelved, complete } = await this.#all();
    if (!complete) return 0;
    return this.#library.files.remove(needlessOf(await this.#library.files.contents(), shelved));
  }

  /** Adds every bundle of a source; the failure of one is told beside the others, but for a pause and a full disk. */
  async #add(source: BundleSource, put: (found: FoundBundle, bundle: Bundle) => Promise<void>): Promise<Added> {
    const { found, declined } = await source.find();
    const added: string[] = [];
    const failed: DeclinedBundle[] = [];
    const site = await this.#siteIds();
    for (const each of found) {
      try {
        const bundle = readBundle(each.address, each.text);
        const { id } = bundle.manifest;
        if (site.has(id)) {
          const message = `“${id}” is the id of a model of this site. Choose another “id” in the manifest.json of “${each.name}”.`;
          throw new StudioError('manifest-invalid', message, { details: { path: 'id' } });
        }
        await put(each, bundle);
        added.push(id);
      } catch (error) {
        if (!(error instanceof StudioError) || error.code.startsWith('storage-')) throw error;
        failed.push({ id: each.name, reason: error.message });
      } finally {
        this.#onChange();
      }
    }
    return { added, declined: [...declined, ...failed] };
  }

  /** Brings every file of a bundle that is not here. */
  async #bring({ manifest, files }: Bundle, read: BundleSource['read'], onProgress: OnModelProgress): Promise<void> {
    const control = new AbortController();
    const { id: bundleId } = manifest;
    this.#under.get(bundleId)?.abort();
    this.#under.set(bundleId, control);
    const store = this.#library.files;
    const missing: FileEntry[] = [];
    for (const file of files) if (!(await store.has(file))) missing.push(file);
    const totalBytes = bytesOf(files);
    let doneBytes = totalBytes - bytesOf(missing);
    let toldAt = 0;
    const onBytes: OnBytes = async (count) => {
      doneBytes += count;
      if (performance.now() - toldAt < TELL_MS) return;
      toldAt = performance.now();
      await onProgress({ bundleId, doneBytes, totalBytes });
    };
    try {
      await checkRoom(bytesOf(missing) - sum(await Promise.all(missing.map((file) => store.keptBytes(file)))));
      await onProgress({ bundleId, doneBytes, totalBytes });
      await openAll(missing, (file, signal) => store.open(file, read, onBytes, signal), control.signal);
    } finally {
      if (this.#under.get(bundleId) === control) this.#under.delete(bundleId);
    }
  }

  async #forget(bundle: Bundle): Promise<void> {
    await this.#removeFiles(bundle);
    await this.#library.added.remove(bundle.manifest.id);
  }

  async #removeFiles(bundle: Bundle): Promise<void> {
    const { shelved } = await this.#all();
    await this.#library.files.remove(ownFiles(bundle, shelved).map(({ sha256 }) => sha256));
  }

  async #find(id: string): Promise<Shelved> {
    const found = (await this.#all()).shelved.find(({ bundle }) => bundle.manifest.id === id);
    if (found === undefined) throw new StudioError('bundle-unknown', `There is no model “${id}” here.`, { details: { id } });
    return found;
  }

  async #findAdded(id: string): Promise<ReadableBundle | undefined> {
    return (await this.#library.added.list()).found.find(({ bundle }) => bundle.manifest.id === id);
  }

  async #siteIds(): Promise<ReadonlySet<string>> {
    const { bundles } = await this.#library.siteIndex();
    return new Set(bundles.map(({ id }) => id));
  }

  /** Every bundle; `complete`: whether each could be read, so that nothing passes for needless that is another's. */
  async #all(): Promise<{
    readonly shelved: readonly Shelved[];
    readonly declined: readonly DeclinedBundle[];
    readonly complete: boolean;
  }> {
    const shelved: Shelved[] = [];
    const declined: DeclinedBundle[] = [];
    const attempt = async (id: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        if (!(error instanceof StudioError)) throw error;
        declined.push({ id, reason: error.message });
      }
    };
    await attempt('this site', async () => {
      const index = await this.#library.siteIndex();
      declined.push(...index.declined);
      for (const { id, manifest } of index.bundles) {
        await attempt(id, async () => {
          const text = await this.#library.text(manifest);
          shelved.push({ bundle: readBundle(manifest, text), text, origin: { kind: 'site', place: '' } });
        });
      }
    });
    const added = await this.#library.added.list();
    for (const { bundle, manifest, kind, place } of added.found) shelved.push({ bundle, text: manifest, origin: { kind, place } });
    declined.push(...added.declined);
    return { shelved, declined, complete: declined.length === 0 };
  }
}

/** Files of a bundle that no other has. */
function ownFiles(bundle: Bundle, all: readonly Shelved[]): readonly FileEntry[] {
  const others = all.filter(({ bundle: { manifest } }) => manifest.id !== bundle.manifest.id);
  const wanted = new Set(others.flatMap(({ bundle: { files } }) => files.map(({ sha256 }) => sha256)));
  return bundle.files.filter(({ sha256 }) => !wanted.has(sha256));
}

function needlessOf(contents: ReadonlyMap<string, number>, all: readonly Shelved[]): readonly string[] {
  const wanted = new Set(all.flatMap(({ bundle: { files } }) => files.map(({ sha256 }) => sha256)));
  return [...contents.keys()].filter((hash) => !wanted.has(hash));
}

/** Throws StudioError `storage-full` where so much more would not fit. */
async function checkRoom(neededBytes: number): Promise<void> {
  const { usage, quota } = await estimate();
  if (usage === null || quota === null || neededBytes <= quota - usage) return;
  throw noRoom(neededBytes, Math.max(0, quota - usage));
}

async function estimate(): Promise<{ readonly usage: number | null; readonly quota: number | null }> {
  const { usage = null, quota = null } = await navigator.storage.estimate();
  return { usage, quota };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}
