import { cropPicture } from '../../core/picture.ts';
import { DEFAULT_SAVE_OPTIONS } from '../../protocol/picture-file.ts';
import { recipeTexts } from '../../protocol/recipe.ts';
import { inputFrameId, resultFrameId } from '../frames.ts';
import { hasResult, type QueueItem } from '../queue.ts';
import { readKeptRun, resultKey, runKey } from '../session.ts';
import type { RunRecord } from '../state.ts';
import type { ActionContext } from './context.ts';
import type { Pictures } from './pictures.ts';

/** Results that are over: kept in storage, brought back when they are looked at. */
export interface Results {
  /** Keeps a finished run: its result as PNG with its recipe, its record and the pictures of its steps. */
  keep(run: RunRecord): Promise<void>;
  /** Makes the item's result one of the store's runs again, with its pictures; nothing where it has none. */
  bring(item: QueueItem): Promise<void>;
  /** A kept result's PNG; null while there is none. */
  png(runId: string): Promise<Blob | null>;
}

export function createResults({ state, set, frames, clients, storage }: ActionContext, pictures: Pictures): Results {
  async function png(runId: string): Promise<Blob | null> {
    const kept = await storage.get(resultKey(runId));
    return kept instanceof Blob ? kept : null;
  }

  /** The record of a kept run, its pictures in the frame cache; null where something of it is missing. */
  async function unpack(item: QueueItem, runId: string): Promise<RunRecord | null> {
    const [kept, result] = [readKeptRun(await storage.get(runKey(runId))), await png(runId)];
    if (kept === null || result === null) return null;
    const { region } = kept.record;
    const image = await pictures.of(item);
    frames.put(inputFrameId(runId), region === null ? image : cropPicture(image, region));
    for (const [id, image] of kept.frames) frames.put(id, image);
    frames.put(resultFrameId(runId), (await clients.decode(await result.arrayBuffer(), item.name)).image);
    return kept.record;
  }

  return {
    async keep(run) {
      const { runId, finished } = run;
      const image = frames.get(resultFrameId(runId));
      if (finished === null || image === undefined) return;
      const whole = [inputFrameId(runId), resultFrameId(runId)];
      const steps = frames.under(runId).filter(([id]) => !whole.includes(id));
      const file = await clients.encode({
        image,
        source: pictures.source(run.itemId),
        options: { ...DEFAULT_SAVE_OPTIONS, depth: finished.recipe.depth },
        texts: recipeTexts({ recipe: finished.recipe, mix: null }),
      });
      await storage.put(runKey(runId), { record: run, frames: steps });
      await storage.put(resultKey(runId), file);
    },

    async bring(item) {
      const here = item.laneIds.every(
        (runId) => state().runs.some((run) => run.runId === runId) && frames.get(resultFrameId(runId)) !== undefined,
      );
      if (!hasResult(item) || here) return;
      const records: RunRecord[] = [];
      for (const runId of item.laneIds) {
        const record = await unpack(item, runId);
        if (record === null) return;
        records.push(record);
      }
      set((before) => ({ ...before, runs: [...records, ...before.runs.filter(({ runId }) => !item.laneIds.includes(runId))] }));
    },

    png,
  };
}
