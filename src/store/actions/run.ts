import { cropPicture } from '../../core/picture.ts';
import type { RunEvent } from '../../protocol/events.ts';
import type { Image8, RestoreRequest } from '../../protocol/request.ts';
import { firstStageFrameId, inputFrameId, PICTURE_FRAME_ID, resultFrameId, stepFrameId } from '../frames.ts';
import { abandonRuns, beginRuns, reduceEvent } from '../reduce.ts';
import { type ProgressState, pairOf, type RunRecord, type SettingsState } from '../state.ts';
import type { Comparing } from './compare.ts';
import type { ActionContext } from './context.ts';
import type { Models } from './models.ts';

export interface RunActions {
  upscale(): Promise<void>;
  /** Ends the run with what it has, once it took a step; asked again, without. */
  cancel(): Promise<void>;
  pause(): Promise<void>;
  goOn(): Promise<void>;
}

export function createRunActions(context: ActionContext, models: Models, comparing: Comparing): RunActions {
  const { state, set, frames, clients, attempt } = context;

  function onEvent(event: RunEvent): void {
    if (event.type === 'step' && event.previews !== null) {
      for (const layer of ['x0', 'low', 'high'] as const) {
        frames.put(stepFrameId(event.runId, event.index, layer), event.previews[layer]);
      }
    }
    if (event.type === 'first-stage') frames.put(firstStageFrameId(event.runId), event.image);
    if (event.type === 'rows') frames.putRows(resultFrameId(event.runId), event.whole, event.top, event.image);
    set((before) => reduceEvent(before, event));
    if (event.type === 'step') void attempt(() => comparing.measureStep(event.runId, event.index));
  }

  /** Tells the run under way something, and shows that it was told. */
  function steer(told: Partial<ProgressState>, tell: (runId: string) => Promise<void>): Promise<void> {
    return attempt(async () => {
      const lead = state().progress?.laneIds[0];
      if (lead === undefined) return;
      set((before) => ({ ...before, progress: before.progress && { ...before.progress, ...told } }));
      await tell(lead);
    });
  }

  return {
    upscale: () =>
      attempt(async () => {
        const image = frames.get(PICTURE_FRAME_ID);
        const { settings, manifests, picture, progress } = state();
        if (image === undefined || progress !== null || manifests[settings.bundleId] === undefined) return;
        const pair = settings.compare ? pairOf(state(), settings.bundleId) : null;
        const lanes = (pair ?? [settings.bundleId]).map((bundleId) => ({ runId: crypto.randomUUID(), bundleId }));
        const laneIds = lanes.map(({ runId }) => runId);
        const records: RunRecord[] = [];
        const input = settings.region === null ? image : cropPicture(image, settings.region);
        for (const lane of lanes) {
          const { title } = await models.manifest(lane.bundleId);
          records.push({
            ...lane,
            laneIds,
            bundleTitle: title,
            pictureVersion: picture.version,
            seed: settings.seed,
            region: settings.region,
            count: settings.steps,
            steps: [],
            firstStage: false,
            rows: 0,
            height: input.height * settings.scale,
            width: input.width * settings.scale,
            finished: null,
          });
          frames.put(inputFrameId(lane.runId), input);
        }
        const { runs } = state();
        set((before) => beginRuns(before, records));
        const kept = state().runs;
        for (const old of runs) if (!kept.includes(old)) frames.drop(old.runId);
        try {
          await clients.run(lanes, requestOf(settings, image), onEvent);
        } catch (error) {
          for (const runId of laneIds) frames.drop(runId);
          set((before) => abandonRuns(before, laneIds));
          throw error;
        }
      }),

    cancel: () => steer({ cancelling: true, paused: false }, (runId) => clients.cancel(runId)),
    pause: () => steer({ paused: true }, (runId) => clients.pause(runId)),
    goOn: () => steer({ paused: false }, (runId) => clients.goOn(runId)),
  };
}

function requestOf(settings: SettingsState, image: Image8): RestoreRequest {
  const { tags, user, positive, negative, bundleId: _, compare: __, ...rest } = settings;
  return { ...rest, image, prompt: { tags, user, positive, negative }, depth: 8, preview: 'bands' };
}
