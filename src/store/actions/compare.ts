import { StudioError } from '../../protocol/errors.ts';
import type { Mix } from '../../protocol/recipe.ts';
import type { Image8 } from '../../protocol/request.ts';
import type { PictureDifference } from '../../protocol/studio-api.ts';
import { inputFrameId, REFERENCE_FRAME_ID, resultFrameId, stepFrameId } from '../frames.ts';
import { setReference, setSimilarity } from '../reduce.ts';
import { shownPartner, shownRun } from '../state.ts';
import type { ActionContext } from './context.ts';

export interface CompareActions {
  /** b − a of two kept pictures, as the view asks for differences; null when it fails. */
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
    let similarity = await clients.similarity(preview);
    if (similarity === null) {
      // a worker that is new has none
      await clients.setReference(wanted);
      similarity = await clients.similarity(preview);
    }
    if (similarity !== null && state().reference === reference) set((before) => setSimilarity(before, runId, index, similarity));
  }

  /** A picture to compute with. Throws StudioError `storage-lost` where it had to make room for others. */
  function kept(id: string): Image8 {
    const image = frames.get(id);
    if (image !== undefined) return image;
    throw new StudioError('storage-lost', 'The pictures of this view are not in memory any more. Show another picture and this one again.');
  }

  const actions: CompareActions = {
    difference: (a, b) =>
      attemptFor(async () => {
        const { band, signed } = state().view.difference;
        return clients.difference(kept(a), kept(b), band, signed);
      }),

    mix: ({ low, high, gain }) =>
      attemptFor(async () => {
        const [base, rfsr] = [shownRun(state()), shownPartner(state())];
        if (base === undefined || rfsr === undefined) return null;
        const sources = { input: inputFrameId(base.runId), base: resultFrameId(base.runId), rfsr: resultFrameId(rfsr.runId) };
        return clients.mix(kept(sources[low]), kept(sources[high]), gain);
      }),

    setReference: (picked) =>
      attempt(async () => {
        const image = picked === null ? null : (await clients.decode(await picked.arrayBuffer(), picked.name)).image;
        frames.drop(REFERENCE_FRAME_ID);
        if (image !== null) frames.put(REFERENCE_FRAME_ID, image);
        await clients.setReference(image);
        set((before) => setReference(before, picked === null ? null : { name: picked.name }));
        for (const { runId, steps } of state().runs) {
          for (const index of steps.keys()) await measureStep(runId, index);
        }
      }),
  };
  return { actions, measureStep };
}
