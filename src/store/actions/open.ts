import { StudioError } from '../../protocol/errors.ts';
import { type PictureRecipe, RECIPE_KEYWORD, readRecipe } from '../../protocol/recipe.ts';
import { PICTURE_FRAME_ID } from '../frames.ts';
import { addMessage } from '../reduce.ts';
import type { ActionContext } from './context.ts';
import type { Models } from './models.ts';

export interface OpenActions {
  open(file: Blob, name: string): Promise<void>;
  /** Opens a picture too, but where one is open already, a picture of the studio's own only gives back the settings that made it. */
  drop(file: Blob, name: string): Promise<void>;
  openSample(path: string, name: string): Promise<void>;
}

export function createOpenActions({ state, set, frames, clients, attempt }: ActionContext, models: Models): OpenActions {
  async function openPicture(bytes: ArrayBuffer, name: string): Promise<void> {
    set((before) => ({ ...before, picture: { ...before.picture, status: 'loading' }, messages: [] }));
    try {
      const image = await clients.decode(bytes, name);
      frames.put(PICTURE_FRAME_ID, image);
      const { height, width } = image;
      set((before) => ({
        ...before,
        picture: { status: 'ready', name, height, width, version: before.picture.version + 1 },
        settings: { ...before.settings, tags: null, region: null },
        seen: null,
        shownRunId: null,
      }));
    } catch (error) {
      const status = frames.get(PICTURE_FRAME_ID) === undefined ? 'empty' : 'ready';
      set((before) => ({ ...before, picture: { ...before.picture, status } }));
      throw error;
    }
  }

  /** Takes over the settings of a recipe; a model that is not here stays unchosen, and is named. */
  async function restore({ recipe, mix }: PictureRecipe, name: string): Promise<void> {
    await models.listed();
    const known = state().bundles.some(({ id }) => id === recipe.bundleId);
    if (known) await models.actions.chooseBundle(recipe.bundleId);
    const { scale, steps, guidance, seed, sampler, startPoint, colorFix, prompt } = recipe;
    models.actions.change({ scale, steps, guidance, seed, sampler, startPoint, colorFix, ...prompt, compare: mix !== null });
    const model = known ? recipe.bundleTitle : `all but the model, “${recipe.bundleTitle}”, which is not here`;
    const text = `Settings restored from “${name}”: ${model}, ${steps} steps, seed ${seed}. To enlarge that picture itself, use Open.`;
    set((before) => addMessage(before, { kind: 'notice', text, code: null, details: 'recipe' }));
  }

  return {
    open: (file, name) => attempt(async () => openPicture(await file.arrayBuffer(), name)),

    drop: (file, name) =>
      attempt(async () => {
        const bytes = await file.arrayBuffer();
        const texts = await clients.texts(bytes.slice(0));
        if (state().picture.status === 'empty' || !(RECIPE_KEYWORD in texts)) await openPicture(bytes, name);
        const carried = readRecipe(texts);
        if (carried !== null) await restore(carried, name);
      }),

    openSample: (path, name) =>
      attempt(async () => {
        const response = await fetch(path);
        if (!response.ok) throw new StudioError('network-failed', 'The sample picture could not be loaded.');
        await openPicture(await response.arrayBuffer(), name);
      }),
  };
}
