import { StudioError } from '../../protocol/errors.ts';
import type { Mix } from '../../protocol/recipe.ts';
import type { Image8 } from '../../protocol/request.ts';
import type { PictureDifference } from '../../protocol/studio-api.ts';
import { inputFrameId, REFERENCE_FRAME_ID, resultFrameId, stepFrameId } from '../frames.ts';
import { setReference, setSimilarity } from '../reduce.ts';
import { shownPartner, shownRun } from '../state.ts';
import type { ActionContext } from './context.ts';

export interface CompareActions {
  /** b − a of two kept pictures, as the view asks for differences; null when one is not kept or it fails. */
  difference(a: string, b: string): Promise<PictureDifference | null>;
  /** The shown pair mixed; null when there is no finished pair or it fails. */
  mix(mix: Mix): Promise<Image8 | null>;
  /** A picture to measure steps against, or none. */
  setReference(file: File | null): Promise<void>;
}

/** Pictures held against each other. */
export interface Comparing {
  readonly actions: CompareActions;
  /** Measures a step against the reference, where there is one and the step's preview is kept. */
  measureStep(runId: string, index: number): Promise<void>;
}

export function createComparing({ state, set, frames, clients, attempt, attemptFor }: ActionContext): Comparing {
  async function measureStep(runId: string, index: number): Promise<void> {
    const { reference } = state();
    if (reference === null) return;
    const wanted = frames.get(REFERENCE_FRAME_ID);
    const preview = frames.get(stepFrameId(runId, index, 'x0'));
    if (wanted === undefined || preview === undefined) return;
    const similarity = await clients.similarity(preview, wanted);
    if (state().reference === reference) set((before) => setSimilarity(before, runId, index, similarity));
  }

  const actions: CompareActions = {
    difference: (a, b) =>
      attemptFor(async () => {
        const [before, after] = [frames.get(a), frames.get(b)];
        if (before === undefined || after === undefined) return null;
        const { band, signed } = state().view.difference;
        return clients.difference(before, after, band, signed);
      }),

    mix: ({ low, high, gain }) =>
      attemptFor(async () => {
        const [base, rfsr] = [shownRun(state()), shownPartner(state())];
        if (base === undefined || rfsr === undefined) return null;
        const sources = { input: inputFrameId(base.runId), base: resultFrameId(base.runId), rfsr: resultFrameId(rfsr.runId) };
        const [lower, higher] = [frames.get(sources[low]), frames.get(sources[high])];
        if (lower === undefined || higher === undefined) {
          throw new StudioError(
            'storage-lost',
            'The pictures of this mix are not in memory any more. Show another picture and this one again.',
          );
        }
        return clients.mix(lower, higher, gain);
      }),

    setReference: (picked) =>
      attempt(async () => {
        const image = picked === null ? null : (await clients.decode(await picked.arrayBuffer(), picked.name)).image;
        frames.drop(REFERENCE_FRAME_ID);
        if (image !== null) frames.put(REFERENCE_FRAME_ID, image);
        set((before) => setReference(before, picked === null ? null : { name: picked.name }));
        for (const { runId, steps } of state().runs) {
          for (const index of steps.keys()) await measureStep(runId, index);
        }
      }),
  };
  return { actions, measureStep };
}
