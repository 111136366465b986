import { hasAlpha } from '../../core/picture.ts';
import { StudioError } from '../../protocol/errors.ts';
import { DEFAULT_SAVE_OPTIONS, resultDepth, type SaveOptions, type SourceInfo } from '../../protocol/picture-file.ts';
import { recipeTexts } from '../../protocol/recipe.ts';
import type { Image8 } from '../../protocol/request.ts';
import { resultFrameId } from '../frames.ts';
import { hasResult, isPartial, itemOfLane, type QueueItem, resultSize } from '../queue.ts';
import { addMessage, markSafe } from '../reduce.ts';
import { type ResultMark, resultFileName, uniqueName } from '../result-names.ts';
import { storeSaveOptions } from '../save-options.ts';
import { type RunRecord, shownPartner, shownRun } from '../state.ts';
import type { CompareActions } from './compare.ts';
import type { ActionContext } from './context.ts';
import type { Pictures } from './pictures.ts';
import type { Results } from './results.ts';

/** A picture that can be saved: the run's own result, the RFSR one of a pair, or their mix. */
export type ResultName = 'result' | 'rfsr' | 'mix';

export interface SavedFile {
  readonly blob: Blob;
  readonly name: string;
}

export interface SaveActions {
  /** Saves from now on like this, in this browser. */
  changeSaving(changes: Partial<SaveOptions>): void;
  download(which: ResultName): Promise<SavedFile | null>;
  /** Whether that file would be a JPEG of a picture with transparency, and nobody said yet what shows through. */
  asksBackground(which: ResultName): boolean;
  /** Puts a picture on the clipboard, as PNG. */
  copyPicture(image: Image8): Promise<void>;
  /** Every result in the queue in one ZIP file; null when that fails. */
  saveAll(): Promise<SavedFile | null>;
  /** Saves what is there into a folder, and every result to come as soon as it is there. */
  saveInto(folder: FileSystemDirectoryHandle): Promise<void>;
}

/** Where results go once they are there. */
export interface Saving {
  readonly actions: SaveActions;
  /** Keeps an item's finished runs, and saves them where a folder was chosen; in the background, one item after another. */
  keep(itemId: string, runs: readonly RunRecord[]): void;
}

export function createSaving(context: ActionContext, pictures: Pictures, results: Results, { mix }: CompareActions): Saving {
  const { state, set, frames, clients, attempt, attemptFor } = context;
  let folder: FileSystemDirectoryHandle | null = null;
  const inFolder = new Set<string>();
  let background: Promise<void> = Promise.resolve();

  function inBackground(work: () => Promise<void>): Promise<void> {
    background = background.then(() => attempt(work));
    return background;
  }

  /** A result as results are saved now. The kept file is a PNG with all that is known of it. Throws StudioError `storage-lost` where there is none. */
  async function fileOf(runId: string, name: string): Promise<Blob> {
    const options = state().saveOptions;
    const kept = options.format === 'png' && options.metadata === 'keep' ? await results.png(runId) : null;
    if (kept !== null) {
      const { depth: own, located } = await sourceOf(runId, kept);
      if ((await depthOf(kept)) === resultDepth(options, own) && (options.location === 'keep' || !located)) return kept;
    }
    const opened = await results.opened(runId);
    if (opened === null) {
      const text = `The result “${name}” is not in memory any more, nor does the browser keep it. Run it again with the same seed: it will be the same.`;
      throw new StudioError('storage-lost', text, { details: { name } });
    }
    return clients.encode({ ...opened, options });
  }

  /** What the file of a result's picture said; where that was not read yet, the kept result says the same. */
  async function sourceOf(runId: string, kept: Blob): Promise<SourceInfo> {
    const item = itemOfLane(state().queue, runId);
    const known = item === undefined ? null : pictures.source(item.id);
    return known ?? (await clients.decode(await kept.arrayBuffer(), 'result')).source;
  }

  /** Saves an item's results that the folder has not got yet, under names that nothing there has. */
  async function intoFolder(item: QueueItem): Promise<void> {
    for (const { runId, name } of resultsOf(item, state().saveOptions)) {
      if (folder === null || inFolder.has(runId)) continue;
      const content = await attemptFor(() => fileOf(runId, name));
      if (content === null) continue;
      try {
        const taken = new Set<string>();
        for await (const known of folder.keys()) taken.add(known);
        const file = await folder.getFileHandle(uniqueName(name, taken), { create: true });
        const writable = await file.createWritable();
        await writable.write(content);
        await writable.close();
        inFolder.add(runId);
      } catch (cause) {
        const left = folder.name;
        folder = null;
        set((before) => ({ ...before, folder: null }));
        const text = `Results cannot be saved into the folder “${left}” any more. Choose a folder again, or save all as ZIP.`;
        throw new StudioError('output-unwritable', text, { cause });
      }
    }
  }

  /** What cannot be had is told, and left out. */
  async function* zipEntries(items: readonly QueueItem[]): AsyncGenerator<{ name: string; input: Blob; lastModified: Date }> {
    const taken = new Set<string>();
    for (const { runId, name } of items.flatMap((item) => resultsOf(item, state().saveOptions))) {
      const input = await attemptFor(() => fileOf(runId, name));
      if (input !== null) yield { name: uniqueName(name, taken), input, lastModified: new Date() };
    }
  }

  return {
    actions: {
      changeSaving(changes) {
        const options = { ...state().saveOptions, ...changes };
        storeSaveOptions(options);
        set((before) => ({ ...before, saveOptions: options }));
      },

      download: (which) =>
        attemptFor(async () => {
          const { view } = state();
          const [base, partner] = [shownRun(state()), shownPartner(state())];
          const run = which === 'rfsr' ? partner : base;
          if (run === undefined || run.finished === null) return null;
          const wanted = which === 'mix' && partner?.finished != null ? view.mix : null;
          const kinds: ResultMark[] = which === 'result' ? (partner === undefined ? [] : ['base']) : [which];
          const marks = run.finished.recipe.stoppedAfter === null ? kinds : [...kinds, 'partial' as const];
          const options = state().saveOptions;
          const name = resultFileName(run.pictureName, run, marks, options.format);
          if (wanted === null || partner?.finished == null) {
            const blob = await fileOf(run.runId, name);
            set((before) => markSafe(before, run.runId));
            return { blob, name };
          }
          const image = await mix(wanted);
          if (image === null) return null;
          const texts = recipeTexts({ recipe: run.finished.recipe, mix: { ...wanted, other: partner.finished.recipe } });
          return { blob: await clients.encode({ image, source: pictures.source(run.itemId), region: run.region, options, texts }), name };
        }),

      asksBackground(which) {
        const { saveOptions } = state();
        const run = which === 'rfsr' ? shownPartner(state()) : shownRun(state());
        const image = run === undefined ? undefined : frames.get(resultFrameId(run.runId));
        return saveOptions.format === 'jpeg' && saveOptions.background === null && image !== undefined && hasAlpha(image);
      },

      copyPicture: (image) =>
        attempt(async () => {
          const options = { ...DEFAULT_SAVE_OPTIONS, depth: 8, metadata: 'strip' } as const;
          try {
            // given as a promise: a browser asks for the press that it follows, and encoding takes a while
            const png = clients.encode({ image, source: null, options, texts: {} });
            await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
          } catch (cause) {
            const text =
              'The picture could not be copied: the browser does not let this page write to the clipboard, or has no room there.';
            throw new StudioError('output-unwritable', text, { cause });
          }
          const text = `Copied: ${image.width}×${image.height}.`;
          set((before) => addMessage(before, { kind: 'notice', text, code: null, details: 'copied' }));
        }),

      saveAll: () =>
        attemptFor(async () => {
          await background;
          const { downloadZip } = await import('client-zip');
          return { blob: await downloadZip(zipEntries(state().queue.items.filter(hasResult))).blob(), name: 'rfsr-studio.zip' };
        }),

      saveInto: (chosen) => {
        folder = chosen;
        inFolder.clear();
        set((before) => ({ ...before, folder: chosen.name }));
        return inBackground(async () => {
          for (const item of state().queue.items.filter(hasResult)) await intoFolder(item);
        });
      },
    },

    keep(itemId, runs) {
      for (const run of runs) results.hold(run);
      void inBackground(async () => {
        for (const run of runs) await attempt(() => results.store(run));
        const item = state().queue.items.find(({ id }) => id === itemId);
        if (item !== undefined) await intoFolder(item);
      });
    },
  };
}

/** Bits a channel of a PNG, as its header says. */
async function depthOf(png: Blob): Promise<number | undefined> {
  return new Uint8Array(await png.slice(24, 25).arrayBuffer())[0];
}

/** An item's results and what their files are called, but for what sets them apart from others. */
function resultsOf(item: QueueItem, { format }: SaveOptions): readonly { readonly runId: string; readonly name: string }[] {
  const { name, laneIds } = item;
  const size = resultSize(item);
  if (size === null) return [];
  const kinds: readonly ResultMark[] = laneIds.length > 1 ? ['base', 'rfsr'] : [];
  const partial: readonly ResultMark[] = isPartial(item) ? ['partial'] : [];
  return laneIds.map((runId, i) => ({ runId, name: resultFileName(name, size, [...kinds.slice(i, i + 1), ...partial], format) }));
}
