import { cropPicture } from '../../core/picture.ts';
import type { RunEvent } from '../../protocol/events.ts';
import { resultDepth } from '../../protocol/picture-file.ts';
import type { Extent, Image8, RestoreRequest, RunLane } from '../../protocol/request.ts';
import { bandViews } from '../band-views.ts';
import { firstStageFrameId, frontFrameId, inputFrameId, resultFrameId, stepFrameId } from '../frames.ts';
import { changeItem, type QueueItem } from '../queue.ts';
import { abandonRuns, beginRuns, prepareRuns, reduceEvent } from '../reduce.ts';
import { pairOf, type RunRecord, type SettingsState } from '../state.ts';
import type { Comparing } from './compare.ts';
import type { ActionContext } from './context.ts';
import type { Models } from './models.ts';
import type { Pictures } from './pictures.ts';

/** The one way to a result, whether one picture is run or a whole queue. */
export interface Runner {
  /** Runs an item with its settings, and gives its finished runs, stopped early or not. Throws StudioError, or AbortError where there is nothing to give. */
  run(item: QueueItem): Promise<readonly RunRecord[]>;
  /** Ends the run under way with what it has, once it took a step; asked again, without. */
  stop(): Promise<void>;
  /** Ends the run under way at once, with nothing. */
  discard(): Promise<void>;
  /** Holds the run under way, until `goOn` or `stop`. */
  pause(): Promise<void>;
  goOn(): Promise<void>;
}

export function createRunner(context: ActionContext, models: Models, pictures: Pictures, comparing: Comparing): Runner {
  const { state, set, frames, clients, attempt } = context;

  function keepPictures(event: RunEvent): void {
    if (event.type === 'step' && event.previews !== null) {
      for (const layer of ['x0', 'low', 'high'] as const) {
        frames.put(stepFrameId(event.runId, event.index, layer), event.previews[layer]);
      }
    }
    if (event.type === 'first-stage') frames.put(firstStageFrameId(event.runId), event.image);
    if (event.type === 'rows') frames.putRows(resultFrameId(event.runId), event.whole, event.top, event.image);
  }

  /** The bands of what stands before a run's first step, at the size of the steps'. */
  function keepFront(runId: string, size: Extent): void {
    for (const front of ['input', 'first-stage'] as const) {
      const picture = frames.get(front === 'input' ? inputFrameId(runId) : firstStageFrameId(runId));
      if (picture === undefined) continue;
      const views = bandViews(picture, size);
      for (const layer of ['low', 'high'] as const) frames.put(frontFrameId(runId, front, layer), views[layer]);
    }
  }

  function onEvent(event: RunEvent): void {
    // a run whose picture was taken out goes on until it hears of it
    const run = state().runs.find(({ runId }) => runId === event.runId);
    if (run !== undefined) keepPictures(event);
    set((before) => reduceEvent(before, event));
    if (event.type === 'step' && event.index === 0 && event.previews !== null && run?.laneIds[0] === event.runId) {
      keepFront(event.runId, event.previews.x0);
    }
    if (event.type === 'step') void attempt(() => comparing.measureStep(event.runId, event.index));
  }

  /** Tells the run under way something; one that is being made ready finds it in the state when it begins. */
  function steer(tell: () => Promise<void>): Promise<void> {
    return attempt(async () => {
      const { progress } = state();
      if (progress !== null && progress.laneIds.length > 0) await tell();
    });
  }

  function stop(): Promise<void> {
    set((before) => ({ ...before, progress: before.progress && { ...before.progress, cancelling: true } }));
    return steer(clients.cancel);
  }

  /** The models to run and their runs' ids, the ones from before where the run was cut off. */
  async function lanesOf({ settings, laneIds }: QueueItem): Promise<readonly RunLane[]> {
    await models.manifest(settings.bundleId);
    const bundleIds = (settings.compare ? pairOf(state(), settings.bundleId) : null) ?? [settings.bundleId];
    const known = laneIds.length === bundleIds.length ? laneIds : [];
    return bundleIds.map((bundleId, i) => ({ runId: known[i] ?? crypto.randomUUID(), bundleId }));
  }

  /** The item's run, begun but not computed yet. */
  async function begin(item: QueueItem): Promise<{ readonly lanes: readonly RunLane[]; readonly image: Image8 }> {
    const { settings } = item;
    const image = await pictures.of(item);
    const { height, width } = image;
    const input = settings.region === null ? image : cropPicture(image, settings.region);
    const lanes = await lanesOf(item);
    const laneIds = lanes.map(({ runId }) => runId);
    const records: RunRecord[] = [];
    for (const lane of lanes) {
      const { title } = await models.manifest(lane.bundleId);
      records.push({
        ...lane,
        laneIds,
        bundleTitle: title,
        itemId: item.id,
        pictureName: item.name,
        seed: settings.seed,
        region: settings.region,
        count: settings.steps,
        steps: [],
        firstStage: false,
        highGain: 1,
        rows: 0,
        height: input.height * settings.scale,
        width: input.width * settings.scale,
        finished: null,
      });
    }
    if (state().progress?.cancelling === true) throw new DOMException('The run was cancelled.', 'AbortError');
    for (const runId of laneIds) frames.put(inputFrameId(runId), input);
    const queue = changeItem(state().queue, item.id, { laneIds, size: { height, width } });
    set((before) => beginRuns({ ...before, queue }, records));
    return { lanes, image };
  }

  return {
    async run(item) {
      set(prepareRuns);
      let laneIds: readonly string[] = [];
      try {
        const { lanes, image } = await begin(item);
        laneIds = lanes.map(({ runId }) => runId);
        const running = clients.run(
          lanes,
          requestOf(item.settings, image, resultDepth(state().saveOptions, pictures.source(item.id)?.depth)),
          onEvent,
        );
        if (state().queue.paused) void attempt(clients.pause);
        await running;
        return state().runs.filter(({ runId }) => laneIds.includes(runId));
      } catch (error) {
        set((before) => abandonRuns(before, laneIds));
        throw error;
      } finally {
        // the last lane is done a while before: its worker is free only now
        set((before) => ({ ...before, progress: null }));
      }
    },

    stop,
    discard: async () => {
      // the first is heard as: with what there is
      await Promise.all([stop(), stop()]);
    },
    pause: () => steer(clients.pause),
    goOn: () => steer(clients.goOn),
  };
}

function requestOf(settings: SettingsState, image: Image8, depth: 8 | 16): RestoreRequest {
  const { tags, user, positive, negative, alpha, bundleId: _, compare: __, ...rest } = settings;
  return { ...rest, ...(alpha === null ? {} : { alpha }), image, prompt: { tags, user, positive, negative }, depth, preview: 'bands' };
}
