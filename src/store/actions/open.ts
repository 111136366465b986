import { StudioError } from '../../protocol/errors.ts';
import type { SourceInfo } from '../../protocol/picture-file.ts';
import { type PictureRecipe, RECIPE_KEYWORD, readRecipe } from '../../protocol/recipe.ts';
import type { Extent, Image8 } from '../../protocol/request.ts';
import {
  abandonItem,
  addItems,
  changeItem,
  keptLanes,
  newItem,
  type QueueItem,
  selectedItem,
  sharedSettings,
  waitingItems,
} from '../queue.ts';
import { addMessage, changeSettings, chooseItem, clearMessages, showItem } from '../reduce.ts';
import { fileKey } from '../session.ts';
import type { SettingsState, StudioState } from '../state.ts';
import { thumbnailOf } from '../thumbnail.ts';
import { type ActionContext, failureOf } from './context.ts';
import type { Desk } from './desk.ts';
import type { Models } from './models.ts';
import type { Pictures } from './pictures.ts';

export interface OpenActions {
  /** Opens a picture: it is shown, and the last of the queue. Those from before stay, with their results. */
  open(file: Blob, name: string): Promise<void>;
  /** Opens a picture too, but where one is open already, a picture of the studio's own only gives back the settings that made it. */
  drop(file: Blob, name: string): Promise<void>;
  /** Adds pictures to the queue, to be run with the settings in force; files that are no pictures are left out, and counted. */
  add(files: readonly File[]): Promise<void>;
  openSample(path: string, name: string): Promise<void>;
  /** Another page or frame of the selected picture's file, from 0: in its place while it has no result, else as a picture of its own. */
  openPage(page: number): Promise<void>;
  /** Every page or frame of the selected picture's file that is not in the queue, into it. */
  addPages(): Promise<void>;
}

export function createOpenActions(context: ActionContext, models: Models, pictures: Pictures, desk: Desk): OpenActions {
  const { state, set, storage, clients, attempt } = context;

  /** A new item with the settings in force, but for those that belong to one picture: its tags and its region. */
  function itemFor(file: Blob, name: string): QueueItem {
    return newItem(crypto.randomUUID(), name, file.size, settingsForNext(state()));
  }

  /** Looks at items' files for their sides and a small view of them, one after another: each is decoded whole for it. */
  async function look(items: readonly QueueItem[], files: readonly Blob[]): Promise<void> {
    for (const [i, { id, name, page }] of items.entries()) {
      const file = files[i];
      if (file === undefined || !state().queue.items.some((item) => item.id === id)) continue;
      const seen = await lookAt(file, name, page).catch((error: unknown) => refuse(id, error));
      if (seen === null) continue;
      const { height, width } = seen.size;
      const thumbnail = await thumbnailOf(seen.view).then((made) => made ?? decodedThumbnail(file, name, page));
      set((before) => ({ ...before, queue: changeItem(before.queue, id, { size: { height, width }, thumbnail }) }));
    }
  }

  /** A page's sides, and what a small view is made of: of the first the file, which browsers read themselves. */
  async function lookAt(file: Blob, name: string, page: number): Promise<{ readonly size: Extent; readonly view: Blob | Image8 }> {
    if (page === 0) return { size: await clients.inspect(file, name), view: file };
    const { image } = await clients.decode(await file.arrayBuffer(), name, false, page);
    return { size: image, view: image };
  }

  /** A small view of a file that the browser itself cannot read. */
  async function decodedThumbnail(file: Blob, name: string, page: number): Promise<string | null> {
    const opened = await clients.decode(await file.arrayBuffer(), name, false, page).catch(() => null);
    return opened === null ? null : thumbnailOf(opened.image);
  }

  /** The selected picture, its file and how many pages that has; null where there is none, or the file is gone. */
  async function selectedFile(): Promise<{ readonly item: QueueItem; readonly file: Blob; readonly pages: number } | null> {
    const item = selectedItem(state().queue);
    const file = item === undefined ? undefined : await storage.get(fileKey(item.id));
    return item !== undefined && file instanceof Blob ? { item, file, pages: pictures.source(item.id)?.pages ?? 1 } : null;
  }

  /** Pages of an item's file as items of their own at the end of the queue, with its settings. */
  async function addPagesOf(item: QueueItem, file: Blob, pages: readonly number[]): Promise<readonly QueueItem[]> {
    const settings = settingsForNext({ ...state(), settings: item.settings });
    const items = pages.map((page) => newItem(crypto.randomUUID(), pageName(item, page), file.size, settings, page));
    const kept = items.map(({ id }) => storage.put(fileKey(id), file));
    set((before) => ({ ...before, queue: addItems(before.queue, items) }));
    await Promise.all(kept);
    return items;
  }

  /** An item that waits though its file is no picture has failed. What failed for another reason says so itself, when it is run. */
  function refuse(id: string, error: unknown): null {
    const { code, text } = failureOf(error);
    const waits = waitingItems(state().queue).some((item) => item.id === id);
    if (waits && code.startsWith('image-')) set((before) => ({ ...before, queue: abandonItem(before.queue, id, { code, text }) }));
    return null;
  }

  async function openPicture(file: Blob, name: string): Promise<void> {
    const item = itemFor(file, name);
    const left = state().queue.selectedId;
    set(clearMessages);
    desk.expect(item);
    try {
      const image = await pictures.decode(item, file);
      if (desk.isChosen(item.id)) {
        set((before) => showOpened(before, item, image, pictures.source(item.id)));
        if (left !== null) pictures.let(left);
      } else {
        set((before) => ({ ...before, queue: addItems(before.queue, [item]) }));
      }
    } catch (error) {
      const { items, selectedId } = state().queue;
      const shown = items.filter(({ id }) => id === selectedId);
      if (desk.isChosen(item.id)) await desk.selectFirst([...shown, ...items]);
      throw error;
    }
    for (const text of openingNotices(pictures.source(item.id)))
      set((before) => addMessage(before, { kind: 'notice', text, code: null, details: 'colours' }));
    void storage.put(fileKey(item.id), file);
    void look([item], [file]);
  }

  /** Takes over the settings of a recipe; a model that is not here stays unchosen, and is named. */
  async function restore({ recipe, mix }: PictureRecipe, name: string): Promise<void> {
    await models.listed;
    const known = state().bundles.some(({ id }) => id === recipe.bundleId);
    if (known) await models.actions.chooseBundle(recipe.bundleId);
    const { scale, steps, guidance, seed, sampler, startPoint, colorFix, tileCells, prompt, alpha = null } = recipe;
    models.actions.change({
      scale,
      steps,
      guidance,
      seed,
      sampler,
      startPoint,
      colorFix,
      tileCells,
      ...prompt,
      alpha,
      compare: mix !== null,
    });
    const model = known ? recipe.bundleTitle : `all but the model, “${recipe.bundleTitle}”, which is not here`;
    const text = `Settings restored from “${name}”: ${model}, ${steps} steps, seed ${seed}. To enlarge that picture itself, use Open.`;
    set((before) => addMessage(before, { kind: 'notice', text, code: null, details: 'recipe' }));
  }

  return {
    open: (file, name) => attempt(() => openPicture(file, name)),

    drop: (file, name) =>
      attempt(async () => {
        const texts = await clients.texts(await file.arrayBuffer());
        if (state().picture.status === 'empty' || !(RECIPE_KEYWORD in texts)) await openPicture(file, name);
        const carried = readRecipe(texts);
        if (carried !== null) await restore(carried, name);
      }),

    add: (files) =>
      attempt(async () => {
        // what cannot be read is none
        const isPicture = async (file: File) => file.type.startsWith('image/') || (await clients.isPicture(file).catch(() => false));
        const known = await Promise.all(files.map(isPicture));
        const pictures = files.filter((_, i) => known[i]);
        if (pictures.length === 0) throw new StudioError('image-not-an-image', 'There is no picture among these files.');
        if (pictures.length < files.length) {
          const text = `${files.length - pictures.length} of ${files.length} files are no pictures and were left out.`;
          set((before) => addMessage(before, { kind: 'notice', text, code: null, details: 'left-out' }));
        }
        const items = pictures.map((file) => itemFor(file, file.name));
        const kept = items.map(({ id }, i) => storage.put(fileKey(id), pictures[i]));
        set((before) => ({ ...before, queue: addItems(before.queue, items) }));
        if (state().picture.status === 'empty') await desk.selectFirst(items);
        await Promise.all(kept);
        await look(items, pictures);
      }),

    openSample: (path, name) =>
      attempt(async () => {
        const response = await fetch(path);
        if (!response.ok) throw new StudioError('network-failed', 'The sample picture could not be loaded.');
        await openPicture(await response.blob(), name);
      }),

    openPage: (page) =>
      attempt(async () => {
        const found = await selectedFile();
        if (found === null || page === found.item.page) return;
        const { item, file } = found;
        if (item.status === 'running' || keptLanes(item).length > 0) {
          const items = await addPagesOf(item, file, [page]);
          await desk.selectFirst(items);
          await look(items, [file]);
          return;
        }
        const other = { ...item, page, name: pageName(item, page) };
        const { name } = other;
        pictures.forget(item.id);
        set((before) => {
          // tags and region are the page's that was shown
          const changed = changeSettings(before, { tags: null, alpha: null, region: null });
          const queue = changeItem(changed.queue, item.id, {
            page,
            name,
            size: null,
            thumbnail: null,
            seen: null,
            failure: null,
            status: 'waiting',
          });
          return { ...changed, queue };
        });
        await desk.select(item.id);
        await look([other], [file]);
      }),

    addPages: () =>
      attempt(async () => {
        const found = await selectedFile();
        if (found === null) return;
        const { item, file, pages } = found;
        const isThere = (page: number): boolean =>
          state().queue.items.some(
            (known) => known.page === page && known.name === pageName(item, page) && known.sizeBytes === item.sizeBytes,
          );
        const missing = Array.from({ length: pages }, (_, page) => page).filter((page) => page !== item.page && !isThere(page));
        const items = await addPagesOf(item, file, missing);
        await look(
          items,
          items.map(() => file),
        );
      }),
  };
}

/** A picture that was opened, in the viewer and at the end of the queue. */
function showOpened(state: StudioState, item: QueueItem, size: Extent, source: SourceInfo | null): StudioState {
  // they may have changed while it was decoded
  const current = { ...item, settings: settingsForNext(state) };
  const queue = addItems(state.queue, [current]);
  return showItem(chooseItem({ ...state, queue }, current), current, size, source);
}

function settingsForNext({ settings, queue }: Pick<StudioState, 'settings' | 'queue'>): SettingsState {
  const tags = selectedItem(queue) === undefined ? settings.tags : null;
  return { ...sharedSettings(settings), tags, alpha: null, region: null };
}

/** What a page of an item's file is called: NAME, NAME-2, NAME-3, … */
function pageName(item: Pick<QueueItem, 'name' | 'page'>, page: number): string {
  const dot = item.name.lastIndexOf('.');
  const [stem, ending] = dot > 0 ? [item.name.slice(0, dot), item.name.slice(dot)] : [item.name, ''];
  const own = `-${item.page + 1}`;
  const first = item.page > 0 && stem.endsWith(own) ? stem.slice(0, -own.length) : stem;
  return page === 0 ? `${first}${ending}` : `${first}-${page + 1}${ending}`;
}

/** What a person should know of how a picture was read. */
function openingNotices(source: SourceInfo | null): readonly string[] {
  if (!globalThis.crossOriginIsolated) {
    return ['Colour profiles, metadata and 16 bits are not kept: this page was served without cross-origin isolation.'];
  }
  const { profile = null, icc = null, notices = [] } = source ?? {};
  if (profile === null || /srgb/i.test(profile)) return notices;
  const colours =
    icc === null
      ? `Colours were converted from ${profile} to sRGB; results are saved in sRGB.`
      : `The model works in sRGB; results are saved in this picture's own colours, ${profile}.`;
  return [colours, ...notices];
}
