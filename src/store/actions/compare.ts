import { StudioError } from '../../protocol/errors.ts';
import type { Mix } from '../../protocol/recipe.ts';
import type { Image8 } from '../../protocol/request.ts';
import type { Judgement, PictureDifference } from '../../protocol/studio-api.ts';
import { shownLanes } from '../compared.ts';
import { bicubicFrameId, inputFrameId, pictureFrameId, REFERENCE_FRAME_ID, resultFrameId, stepFrameId } from '../frames.ts';
import { setReference, setSimilarity } from '../reduce.ts';
import { shownPartner, shownRun } from '../state.ts';
import type { ActionContext } from './context.ts';

export interface CompareActions {
  /** b − a of two kept pictures, as the view asks for differences; null when it fails. */
  difference(a: string, b: string): Promise<PictureDifference | null>;
  /** The shown pair mixed; null when there is no finished pair or it fails. */
  mix(mix: Mix): Promise<Image8 | null>;
  /** A picture to measure steps and results against, or none. Refused where it is of another size than the result, or shows something else. */
  setReference(file: File | null): Promise<void>;
  /** How close the finished runs on screen come to the reference, and bicubic enlargement beside them; null without one, or when it fails. */
  judge(): Promise<readonly Judged[] | null>;
}

/** A picture's name and its figures. */
export interface Judged extends Judgement {
  readonly name: string;
}

/** Below this a reference shows something else. */
const LEAST_LIKENESS = 0.5;

/** Pictures held against each other. */
export interface Comparing {
  readonly actions: CompareActions;
  /** Measures a step against the reference, where there is one and the step's preview is kept. */
  measureStep(runId: string, index: number): Promise<void>;
  /** Makes the bicubic enlargement of the shown run's input, and has what shows it see it; nothing where it is here. */
  enlargeInput(): Promise<void>;
}

export function createComparing({ state, set, frames, clients, attempt, attemptFor }: ActionContext): Comparing {
  async function measureStep(runId: string, index: number): Promise<void> {
    const { reference } = state();
    if (reference === null || state().runs.find((run) => run.runId === runId)?.itemId !== reference.itemId) return;
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

  async function enlargeInput(): Promise<void> {
    const run = shownRun(state());
    const input = run === undefined ? undefined : frames.get(inputFrameId(run.runId));
    if (run === undefined || input === undefined || frames.get(bicubicFrameId(run.runId)) !== undefined) return;
    const { runId, height, width } = run;
    frames.put(bicubicFrameId(runId), await clients.resize(input, { height, width }));
    set((before) => ({ ...before, runs: before.runs.map((known) => (known.runId === runId ? { ...known } : known)) }));
  }

  /** Throws StudioError `option-invalid` for a reference that the picture in the viewer cannot be measured against. */
  async function check(reference: Image8, name: string): Promise<void> {
    const { picture, settings, queue } = state();
    const run = shownRun(state());
    const { height, width } = run ?? { height: picture.height * settings.scale, width: picture.width * settings.scale };
    if (reference.height !== height || reference.width !== width) {
      const text = `“${name}” is ${reference.width}×${reference.height}, the result ${width}×${height}. A reference has the size of the result.`;
      throw new StudioError('option-invalid', text, { details: { name } });
    }
    const input = frames.get(run === undefined ? pictureFrameId(queue.selectedId ?? '') : inputFrameId(run.runId));
    if (input !== undefined && (await clients.judge(input, reference)).likeness < LEAST_LIKENESS) {
      throw new StudioError(
        'option-invalid',
        `“${name}” shows something else than this picture. A reference is the same picture, only sharper.`,
        {
          details: { name },
        },
      );
    }
  }

  const actions: CompareActions = {
    difference: (a, b) =>
      attemptFor(async () => {
        const { band, signed, gain } = state().view.difference;
        return clients.difference(kept(a), kept(b), band, signed, gain);
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
        const itemId = state().queue.selectedId;
        const image = picked === null ? null : (await clients.decode(await picked.arrayBuffer(), picked.name)).image;
        if (picked !== null && image !== null) await check(image, picked.name);
        frames.drop(REFERENCE_FRAME_ID);
        if (image !== null) {
          // without it, measuring would stop
          frames.hold(REFERENCE_FRAME_ID);
          frames.put(REFERENCE_FRAME_ID, image);
        }
        await clients.setReference(image);
        set((before) => setReference(before, picked === null || itemId === null ? null : { name: picked.name, itemId }));
        for (const { runId, steps } of state().runs) {
          for (const index of steps.keys()) await measureStep(runId, index);
        }
      }),

    judge: () =>
      attemptFor(async () => {
        const reference = frames.get(REFERENCE_FRAME_ID);
        const lead = shownRun(state());
        if (state().reference === null || reference === undefined || lead === undefined) return null;
        await enlargeInput();
        const lanes = shownLanes(state()).filter(({ finished }) => finished !== null);
        const sides = [
          { name: 'Bicubic', id: bicubicFrameId(lead.runId) },
          ...lanes.map(({ runId, bundleTitle }) => ({ name: bundleTitle, id: resultFrameId(runId) })),
        ];
        const judged: Judged[] = [];
        for (const { name, id } of sides) {
          const image = frames.get(id);
          if (image !== undefined) judged.push({ name, ...(await clients.judge(image, reference)) });
        }
        return judged;
      }),
  };
  return { actions, measureStep, enlargeInput };
}
