import { isAbort } from '../../protocol/errors.ts';
import { parseManifest } from '../../protocol/manifest.ts';
import { modelFolder, siteOf, sitesFor } from '../../protocol/model-address.ts';
import type { Added, GivenFile, ModelProgress } from '../../protocol/models-api.ts';
import { sizeWords } from '../../protocol/words.ts';
import { readLocal, writeLocal } from '../local-values.ts';
import type { ShelfNote, ShelfState, ShelfWork } from '../state.ts';
import { type ActionContext, failureOf } from './context.ts';
import type { Models } from './models.ts';

/** Where the mirror of Hugging Face is remembered. */
const MIRROR_STORED = 'model-mirror';

export interface ShelfActions {
  /** Lists the models of this device and what is here of them. */
  openShelf(): Promise<void>;
  /** Takes the models in a folder or among files; each that cannot be used says why. */
  addModelFiles(name: string, files: readonly GivenFile[]): Promise<void>;
  /** Takes the models at an address, and brings their files. */
  addModelAddress(typed: string): Promise<void>;
  /** Brings what is missing of a model. */
  downloadModel(id: string): Promise<void>;
  pauseModel(id: string): Promise<void>;
  /** Hashes a model's files; a damaged one is removed, to be brought again. */
  verifyModel(id: string): Promise<void>;
  removeModel(id: string): Promise<void>;
  /** Frees what no model needs. */
  tidyModels(): Promise<void>;
  /** The site that Hugging Face's models come from, null for its own. */
  modelMirror(): string | null;
  /** Throws nothing: what is no address is told. */
  setModelMirror(typed: string): void;
}

export function createShelfActions({ state, set, clients }: ActionContext, models: Models): ShelfActions {
  function change(part: Partial<ShelfState> | ((shelf: ShelfState) => Partial<ShelfState>)): void {
    set((before) => ({ ...before, shelf: { ...before.shelf, ...(typeof part === 'function' ? part(before.shelf) : part) } }));
  }

  function note(text: string, id: string | null = null, kind: ShelfNote['kind'] = 'notice'): void {
    change(({ notes }) => ({ notes: [...notes, { id, kind, text }] }));
  }

  /** Runs the work and lists anew; a failure is noted beside the model, since the page's messages lie behind. */
  async function attempt(work: () => Promise<void>, id: string | null = null): Promise<void> {
    change(({ notes }) => ({ notes: notes.filter((known) => id !== null && known.id !== null && known.id !== id) }));
    try {
      await work();
    } catch (error) {
      if (!isAbort(error)) note(failureOf(error).text, id, 'error');
    }
    try {
      await list();
    } catch (error) {
      if (!isAbort(error)) note(failureOf(error).text, null, 'error');
    }
  }

  async function list(): Promise<void> {
    const shelf = await clients.models.shelf();
    change({ shelf });
    // what each needs is told from its manifest
    for (const { id } of shelf.models) {
      if (state().manifests[id] !== undefined) continue;
      const read = parseManifest(await clients.models.manifest(id));
      set((before) => ({ ...before, manifests: { ...before.manifests, [id]: read } }));
    }
  }

  function busy(id: string, work: ShelfWork | null): void {
    change((shelf) => {
      const { [id]: _, ...others } = shelf.busy;
      return { busy: work === null ? others : { ...others, [id]: work } };
    });
  }

  async function follow(
    what: ShelfWork['what'],
    work: (onProgress: (told: ModelProgress) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    const followed = new Set<string>();
    try {
      await work(async ({ bundleId, doneBytes, totalBytes }) => {
        followed.add(bundleId);
        busy(bundleId, { what, doneBytes, totalBytes });
      });
    } finally {
      for (const id of followed) busy(id, null);
    }
  }

  /** Asks that the browser keep what comes, also when it needs room; it may say no. */
  async function persist(): Promise<void> {
    await navigator.storage?.persist?.().catch(() => false);
  }

  async function tell({ added, declined }: Added): Promise<void> {
    for (const { id, reason } of declined) note(`“${id}” is left out: ${reason}`, null, 'error');
    for (const id of added) note('Is here now.', id);
    if (added.length > 0) await models.relist(added);
  }

  async function download(id: string): Promise<void> {
    await persist();
    busy(id, { what: 'load', doneBytes: 0, totalBytes: 0 });
    try {
      await follow('load', (onProgress) => clients.models.download(id, onProgress));
    } finally {
      busy(id, null);
    }
    await models.relist([]);
  }

  return {
    openShelf: () => attempt(async () => {}),

    addModelFiles: (name, files) =>
      attempt(async () => {
        change({ adding: true });
        try {
          await persist();
          await follow('load', async (onProgress) => tell(await clients.models.addFiles(name, files, onProgress)));
        } finally {
          change({ adding: false });
        }
      }),

    addModelAddress: (typed) =>
      attempt(async () => {
        change({ adding: true });
        try {
          const folder = modelFolder(typed, mirror());
          await allow(folder);
          const found = await clients.models.addAddress(folder.href);
          await tell({ added: [], declined: found.declined });
          await list();
          change({ adding: false });
          for (const id of found.added)
            await download(id).catch((error: unknown) => {
              if (!isAbort(error)) note(failureOf(error).text, id, 'error');
            });
        } finally {
          change({ adding: false });
        }
      }),

    downloadModel: (id) =>
      attempt(async () => {
        const origin = state().shelf.shelf?.models.find((model) => model.id === id)?.origin;
        if (origin?.kind === 'url') await allow(new URL(origin.place));
        await download(id);
      }, id),

    pauseModel: (id) => attempt(() => clients.models.pause(id), id),

    verifyModel: (id) =>
      attempt(async () => {
        let damaged: readonly string[] = [];
        await follow('check', async (onProgress) => {
          damaged = await clients.models.verify(id, onProgress);
        });
        const removed = `Damaged and removed: ${damaged.join(', ')}. Bring ${damaged.length === 1 ? 'it' : 'them'} again.`;
        note(damaged.length === 0 ? 'Every file that is here is sound.' : removed, id, damaged.length === 0 ? 'notice' : 'error');
        if (damaged.length > 0) await models.relist([]);
      }, id),

    removeModel: (id) =>
      attempt(async () => {
        await clients.models.remove(id);
        await models.relist([id]);
      }, id),

    tidyModels: () => attempt(async () => note(`${sizeWords(await clients.models.tidy())} are free again.`)),

    modelMirror: mirror,

    setModelMirror(typed) {
      if (typed.trim() === '') return writeLocal(MIRROR_STORED, '');
      void attempt(async () => writeLocal(MIRROR_STORED, siteOf(typed)));
    },
  };

  /** Lets the worker of models ask the folder's sites, and no other part of the page. */
  async function allow(folder: URL): Promise<void> {
    if (await clients.offline.allow(sitesFor(folder))) clients.models.end();
  }
}

function mirror(): string | null {
  return readLocal(MIRROR_STORED) || null;
}
