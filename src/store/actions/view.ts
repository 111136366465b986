import { shownLanes } from '../compared.ts';
import { stepFrameId } from '../frames.ts';
import { showRun } from '../reduce.ts';
import type { ViewState } from '../state.ts';
import type { ActionContext } from './context.ts';

export interface ViewActions {
  show(view: Partial<ViewState>): void;
  /** A run of the last ones, or, with null, the picture as it came. */
  showRun(runId: string | null): void;
  /** Decodes the shown step in full, of every run on screen that still can be, unless it is here or a run is going. */
  decodeShownStep(): Promise<void>;
  dismiss(id: number): void;
}

export function createViewActions({ state, set, frames, clients, attempt }: ActionContext): ViewActions {
  return {
    show: (view) => set((before) => ({ ...before, view: { ...before.view, ...view } })),

    showRun: (runId) => set((before) => showRun(before, runId)),

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

    dismiss: (id) => set((before) => ({ ...before, messages: before.messages.filter((message) => message.id !== id) })),
  };
}
