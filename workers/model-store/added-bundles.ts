import { StudioError } from '../../src/protocol/errors.ts';
import { literal, object, string } from '../../src/protocol/parse.ts';
import { type Bundle, readBundle } from './bundle-files.ts';
import type { DeclinedBundle } from './bundle-source.ts';
import { alone } from './locks.ts';

const FOLDER = 'model-bundles';

const record = object({
  schema: literal(1),
  kind: literal('url', 'folder'),
  /** The address of the folder it came from, or what the folder is called. */
  place: string(),
  /** Of its manifest. */
  address: string(),
  manifest: string(),
});

/** A bundle that a person added, as it is written down. */
export type AddedBundle = ReturnType<typeof record>;

/** One that can be read. */
export interface ReadableBundle extends AddedBundle {
  readonly bundle: Bundle;
}

/** What was added to the site's models, a file each in the origin private file system; their graphs are in the `FileStore`. */
export class AddedBundles {
  /** Every one, in the order of their ids; those apart that this studio does not read. */
  async list(): Promise<{ readonly found: readonly ReadableBundle[]; readonly declined: readonly DeclinedBundle[] }> {
    const found: ReadableBundle[] = [];
    const declined: DeclinedBundle[] = [];
    const folder = await openFolder(false);
    if (folder === null) return { found, declined };
    for await (const [name, entry] of folder.entries()) {
      if (entry.kind !== 'file') continue;
      const id = name.replace(/\.json$/, '');
      try {
        found.push(readRecord(await (await entry.getFile()).text()));
      } catch (error) {
        if (!(error instanceof StudioError)) throw error;
        declined.push({ id, reason: error.message });
      }
    }
    found.sort((a, b) => (a.bundle.manifest.id < b.bundle.manifest.id ? -1 : 1));
    return { found, declined };
  }

  /** Writes one down, in place of the one of that id. Throws StudioError `storage-denied` where the browser keeps nothing. */
  async put(id: string, { kind, place, address, manifest }: Omit<AddedBundle, 'schema'>): Promise<void> {
    const folder = await openFolder(true);
    if (folder === null) throw new StudioError('storage-denied', 'The browser keeps nothing for this page, so no model can be added.');
    await alone(`model-bundle/${id}`, async () => {
      const writer = await (await folder.getFileHandle(`${id}.json`, { create: true })).createWritable();
      await writer.write(new Blob([JSON.stringify({ schema: 1, kind, place, address, manifest } satisfies AddedBundle)]));
      await writer.close();
    });
  }

  /** Removes one; one that is not there is no error. */
  async remove(id: string): Promise<void> {
    const folder = await openFolder(false);
    await alone(`model-bundle/${id}`, async () => folder?.removeEntry(`${id}.json`)).catch((error: unknown) => {
      if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error;
    });
  }
}

function readRecord(text: string): ReadableBundle {
  const wrong = (path: string, expected: string): never => {
    throw new StudioError(
      'manifest-invalid',
      `What was kept of the model is not valid: expected ${expected} at “${path}”. Delete and add it again.`,
    );
  };
  let json: unknown = null;
  try {
    json = JSON.parse(text);
  } catch {
    wrong('top', 'JSON');
  }
  const read = record(json, '', wrong);
  return { ...read, bundle: readBundle(read.address, read.manifest) };
}

async function openFolder(create: boolean): Promise<FileSystemDirectoryHandle | null> {
  try {
    return await (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create });
  } catch {
    // not there, or nothing is kept for this page
    return null;
  }
}
