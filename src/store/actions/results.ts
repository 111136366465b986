import { cropPicture } from '../../core/picture.ts';
import { StudioError } from '../../protocol/errors.ts';
import { DEFAULT_SAVE_OPTIONS, type PictureToSave, type SaveOptions } from '../../protocol/picture-file.ts';
import { recipeTexts } from '../../protocol/recipe.ts';
import type { Image8 } from '../../protocol/request.ts';
import { bicubicFrameId, FULL, inputFrameId, pictureFrameId, resultFrameId } from '../frames.ts';
import { itemOfLane, keptLanes, type QueueItem, resultLanes } from '../queue.ts';
import { bringRuns, markSafe } from '../reduce.ts';
import { type KeptRun, readKeptRun, resultKey, runKey } from '../session.ts';
import type { RunRecord } from '../state.ts';
import type { ActionContext } from './context.ts';
import type { Pictures } from './pictures.ts';

/** How the pictures of steps are kept: raw, those of one step of a megapixel would take six megabytes. */
const STEP_OPTIONS: SaveOptions = { ...DEFAULT_SAVE_OPTIONS, format: 'jpeg', metadata: 'strip' };

/** A result and what is to be said of it, but for how it is saved. */
export type OpenedResult = Omit<PictureToSave, 'options'>;

/** Results that are over: kept in storage, brought back when they are looked at. */
export interface Results {
  /** Holds a finished run's picture in memory until it is stored. */
  hold(run: RunRecord): void;
  /**
   * Keeps a held run: its result as PNG with its recipe, its record and the pictures of its steps; nothing where its item is gone. Throws
   * StudioError `output-unwritable` where the result cannot be written: it is held on then.
   */
  store(run: RunRecord): Promise<void>;
  /**
   * Makes every result that is kept of the item one of the store's runs again, and the picture of one of them, its latest where none is
   * named, is in memory then; its steps' pictures follow. Of a run under way it is the input. Throws StudioError where the item's picture
   * cannot be had.
   */
  bring(item: QueueItem, laneIds?: readonly string[]): Promise<void>;
  /** Puts a run's input into the frame cache again where it had to make room; nothing where its item is gone. Throws likewise. */
  bringInput(run: RunRecord): Promise<void>;
  /** A kept result's PNG; null while there is none. */
  png(runId: string): Promise<Blob | null>;
  /** A result from wherever it is: memory, else its kept PNG; null where it is not to be had any more. */
  opened(runId: string): Promise<OpenedResult | null>;
}

interface Held {
  readonly run: RunRecord;
  readonly image: Image8;
}

export function createResults({ state, set, frames, clients, storage, attempt }: ActionContext, pictures: Pictures): Results {
  /** Finished, and not stored yet: the frame cache may let go of them. */
  const held = new Map<string, Held>();

  async function png(runId: string): Promise<Blob | null> {
    const kept = await storage.get(resultKey(runId));
    return kept instanceof Blob ? kept : null;
  }

  /** What is kept of a run but for its result; null where that is nothing. */
  async function keptRun(runId: string): Promise<KeptRun | null> {
    const unstored = held.get(runId);
    return unstored === undefined ? readKeptRun(await storage.get(runKey(runId))) : { record: unstored.run, frames: [] };
  }

  /** A kept run's input and result in the frame cache; whether they are to be had. */
  async function bringPictures({ record }: KeptRun, name: string): Promise<boolean> {
    const { runId } = record;
    const image = held.get(runId)?.image ?? (await decoded(await png(runId), name));
    if (image === null) return false;
    await bringInput(record);
    frames.put(resultFrameId(runId), image);
    return true;
  }

  async function decoded(file: Blob | null, name: string): Promise<Image8 | null> {
    return file === null ? null : (await clients.decode(await file.arrayBuffer(), name, true)).image;
  }

  /** The pictures of kept runs' steps in the frame cache, while the runs are listed; what shows them sees that they came. */
  async function bringSteps(kept: readonly KeptRun[], name: string): Promise<void> {
    for (const { record, frames: files } of kept) {
      for (const [id, file] of files) {
        if (!state().runs.some(({ runId }) => runId === record.runId)) return;
        if (frames.get(id) === undefined) frames.put(id, (await clients.decode(await file.arrayBuffer(), name)).image);
      }
      renew([record.runId]);
    }
  }

  /** New objects over the same runs: whoever draws them sees that their pictures came. */
  function renew(laneIds: readonly string[]): void {
    set((before) => ({ ...before, runs: before.runs.map((run) => (laneIds.includes(run.runId) ? { ...run } : run)) }));
  }

  /** What is in memory of a run's steps and first stage as files, by frame id; what was decoded in full on demand can be so again. */
  async function stepFiles(runId: string): Promise<KeptRun['frames']> {
    const files: [string, Blob][] = [];
    for (const [id, image] of frames.under(runId)) {
      if ([inputFrameId(runId), resultFrameId(runId), bicubicFrameId(runId)].includes(id) || id.endsWith(FULL)) continue;
      files.push([id, await clients.encode({ image, source: null, options: STEP_OPTIONS, texts: {} })]);
    }
    return files;
  }

  async function bringInput({ itemId, laneIds, region }: RunRecord): Promise<void> {
    const item = state().queue.items.find(({ id }) => id === itemId);
    if (item === undefined || laneIds.every((laneId) => frames.get(inputFrameId(laneId)) !== undefined)) return;
    const picture = await pictures.of(item);
    const input = region === null ? picture : cropPicture(picture, region);
    for (const laneId of laneIds) frames.put(inputFrameId(laneId), input);
    renew(laneIds);
  }

  function toSave({ itemId, finished, region }: RunRecord, image: Image8): OpenedResult {
    const texts = finished === null ? {} : recipeTexts({ recipe: finished.recipe, mix: null });
    return { image, source: pictures.source(itemId), region, texts };
  }

  return {
    hold(run) {
      const image = frames.get(resultFrameId(run.runId));
      if (image === undefined) throw new RangeError(`expected the picture of run ${run.runId}, which stays from its first row on`);
      for (const runId of [...held.keys()]) if (itemOfLane(state().queue, runId) === undefined) held.delete(runId);
      held.set(run.runId, { run, image });
      frames.release(resultFrameId(run.runId));
    },

    async store(run) {
      const { runId, finished, pictureName } = run;
      if (itemOfLane(state().queue, runId) === undefined) held.delete(runId);
      const image = held.get(runId)?.image;
      if (image === undefined || finished === null) return;
      const options = { ...DEFAULT_SAVE_OPTIONS, location: 'keep', depth: finished.recipe.depth } as const;
      const file = await clients.encode({ ...toSave(run, image), options }).catch((cause: unknown) => {
        const text = `The result of “${pictureName}” could not be kept. It is here until the page is closed: save it, or run it again.`;
        throw new StudioError('output-unwritable', text, { details: { name: pictureName }, cause });
      });
      const record = { record: run, frames: await stepFiles(runId) } satisfies KeptRun;
      // without its steps it is small enough for memory
      const whole = await storage.put(runKey(runId), record);
      if (!whole) await storage.put(runKey(runId), { ...record, frames: [] });
      const onDisk = (await storage.put(resultKey(runId), file)) && whole;
      held.delete(runId);
      if (onDisk) set((before) => markSafe(before, runId));
    },

    async bring(item, laneIds = resultLanes(item)) {
      const isKnown = (runId: string): boolean => state().runs.some((run) => run.runId === runId);
      for (const run of state().runs) if (laneIds.includes(run.runId) || item.laneIds.includes(run.runId)) await bringInput(run);
      const missing = keptLanes(item).filter((runId) => !isKnown(runId));
      const unseen = laneIds.filter((runId) => missing.includes(runId) || frames.get(resultFrameId(runId)) === undefined);
      const kept = new Map<string, KeptRun>();
      for (const runId of new Set([...missing, ...unseen])) {
        const found = await keptRun(runId);
        if (found !== null) kept.set(runId, found);
      }
      const shown = unseen.flatMap((runId) => kept.get(runId) ?? []);
      // what comes first is not shown yet when the rest comes
      const needed = [pictureFrameId(item.id), ...laneIds.flatMap((runId) => [inputFrameId(runId), resultFrameId(runId)])];
      for (const id of needed) frames.hold(id);
      try {
        for (const run of shown) if (!(await bringPictures(run, item.name))) kept.delete(run.record.runId);
        const records = [...kept.values()].map(({ record }) => record);
        const onDisk = records.flatMap(({ runId }) => (held.has(runId) ? [] : [runId]));
        if (records.length > 0) set((before) => bringRuns(before, item, records, onDisk));
      } finally {
        for (const id of needed) frames.release(id);
      }
      void attempt(() => bringSteps(shown, item.name));
    },

    bringInput,

    png,

    async opened(runId) {
      const run = held.get(runId)?.run ?? state().runs.find((known) => known.runId === runId);
      const image = held.get(runId)?.image ?? frames.get(resultFrameId(runId));
      if (run !== undefined && image !== undefined) return toSave(run, image);
      const kept = await png(runId);
      if (kept === null) return null;
      const texts = await clients.texts(await kept.arrayBuffer());
      return { ...(await clients.decode(await kept.arrayBuffer(), run?.pictureName ?? runId, true)), texts };
    },
  };
}
