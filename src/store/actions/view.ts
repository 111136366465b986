import { listedRuns, shownLanes } from '../compared.ts';
import { inputFrameId, resultFrameId, stepFrameId } from '../frames.ts';
import { itemOfLane } from '../queue.ts';
import { addMessage, showRun } from '../reduce.ts';
import { runNames } from '../run-names.ts';
import type { Against, ViewState } from '../state.ts';
import type { Comparing } from './compare.ts';
import type { ActionContext } from './context.ts';
import type { Desk } from './desk.ts';
import type { Results } from './results.ts';

export interface ViewActions {
  show(view: Partial<ViewState>): void;
  /** A run of the last ones, or, with null, the picture as it came. Pictures that made room for newer ones are brought back, or said to be gone. */
  showRun(runId: string | null): Promise<void>;
  /** What the shown run is held against, its pictures brought back likewise. */
  holdAgainst(against: Against | null): Promise<void>;
  /** Decodes the shown step in full, of every run on screen that still can be, unless it is here or a run is going. */
  decodeShownStep(): Promise<void>;
  /** Says how many of the files and folders that were dropped are left out. */
  tellUnreadable(count: number): void;
  /** Takes a message away; what it said can be undone, cannot be any more. */
  dismiss(id: number): void;
}

export function createViewActions(
  { state, set, frames, clients, attempt }: ActionContext,
  results: Pick<Results, 'bring' | 'bringInput'>,
  desk: Pick<Desk, 'giveUp'>,
  comparing: Pick<Comparing, 'enlargeInput'>,
): ViewActions {
  async function bringBack(runId: string): Promise<void> {
    const run = state().runs.find((known) => known.runId === runId);
    if (run === undefined) return;
    const item = itemOfLane(state().queue, runId);
    await (item === undefined ? results.bringInput(run) : results.bring(item, run.laneIds));
    const here = [...run.laneIds.map(inputFrameId), resultFrameId(runId)].every((id) => frames.get(id) !== undefined);
    if (here || run.finished === null) return;
    const name = runNames(listedRuns(state())).get(runId) ?? run.bundleTitle;
    const text = `Pictures of “${name}” made room for newer ones and are not kept any more. Run it again to see them.`;
    set((before) => addMessage(before, { kind: 'notice', text, code: null, details: 'result-gone' }));
  }

  return {
    show: (view) => set((before) => ({ ...before, view: { ...before.view, ...view } })),

    showRun: (runId) =>
      attempt(async () => {
        set((before) => showRun(before, runId));
        if (runId !== null) await bringBack(runId);
      }),

    holdAgainst: (against) =>
      attempt(async () => {
        set((before) => ({ ...before, view: { ...before.view, against } }));
        if (typeof against === 'object' && against !== null) await bringBack(against.runId);
        if (against === 'bicubic') await comparing.enlargeInput();
      }),

    decodeShownStep: () =>
      attempt(async () => {
        const { view, progress, decodableRunId } = state();
        if (view.step === null || progress !== null) return;
        // only the latest run's latents are kept
        for (const { runId, steps } of shownLanes(state()).filter(({ laneIds }) => laneIds[0] === decodableRunId)) {
          const index = Math.min(view.step, steps.length - 1);
          const key = `${runId}/${index}`;
          if (state().view.decoded.includes(key)) continue;
          const layers = await clients.decodeStep(runId, index);
          for (const layer of ['x0', 'low', 'high'] as const) frames.put(stepFrameId(runId, index, layer, true), layers[layer]);
          set((before) => ({ ...before, view: { ...before.view, decoded: [...before.view.decoded, key] } }));
        }
      }),

    tellUnreadable(count) {
      const text = `Left out, since they could not be read: ${count} of the dropped files or folders.`;
      set((before) => addMessage(before, { kind: 'notice', text, code: null, details: 'unreadable' }));
    },

    dismiss(id) {
      const message = state().messages.find((known) => known.id === id);
      set((before) => ({ ...before, messages: before.messages.filter((known) => known.id !== id) }));
      if (message?.action === 'put-back') desk.giveUp();
    },
  };
}
