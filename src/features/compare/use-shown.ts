import { useEffect, useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import type { Side } from '../../components/comparison.tsx';
import type { Image8 } from '../../protocol/request.ts';
import { nameAmong, shownBefore, shownLanes } from '../../store/compared.ts';
import {
  bicubicFrameId,
  type Frames,
  firstStageFrameId,
  inputFrameId,
  pictureFrameId,
  REFERENCE_FRAME_ID,
  resultFrameId,
  type StepLayer,
  stepFrameId,
} from '../../store/frames.ts';
import { type RunRecord, shownAfter, shownRun } from '../../store/state.ts';
import { useActions, useFrames, useStudio } from '../../store/store.ts';
import { useRunNames } from '../../store/use-run-names.ts';

const SETTLE_MS = 120;

/** A side of the comparison and where its picture is kept; null for one that is kept nowhere. */
export interface ShownSide extends Side {
  readonly id: string | null;
}

export interface Shown {
  readonly before: ShownSide;
  readonly after: ShownSide;
  readonly input: Side;
  readonly height: number;
  readonly width: number;
  readonly showsStep: boolean;
}

/** What the viewer shows now, from state and frame cache. */
export function useShown(): Shown {
  const frames = useFrames();
  const picture = useStudio((state) => state.picture);
  const itemId = useStudio((state) => state.queue.selectedId);
  const scale = useStudio((state) => state.settings.scale);
  const run = useStudio(shownAfter);
  const lead = useStudio(shownRun);
  const other = useStudio(shownBefore);
  const lanes = useStudio(useShallow(shownLanes));
  const { step, layer, decoded, mix, against, highGain } = useStudio((state) => state.view);
  const names = useRunNames();
  const mixed = useMixed();
  if (run === undefined || lead === undefined) {
    const before = sideOf(frames, pictureFrameId(itemId ?? ''), 'input');
    const size = { height: picture.height * scale, width: picture.width * scale };
    return { before, after: { id: null, image: undefined, name: '' }, input: before, ...size, showsStep: false };
  }
  const input = sideOf(frames, inputFrameId(lead.runId), 'input');
  const firstStage = sideOf(frames, firstStageFrameId(lead.runId), 'first stage');
  const bicubic = sideOf(frames, bicubicFrameId(lead.runId), 'bicubic');
  const reference = sideOf(frames, REFERENCE_FRAME_ID, 'reference');
  const size = { height: run.height, width: run.width };
  // a result is shown from its first row on
  const index = step ?? (run.rows === 0 ? run.steps.length - 1 : null);
  const showsStep = index !== null;
  const shown = (lane: RunRecord): ShownSide => {
    const name = nameAmong(lanes, lane, names);
    if (index === null) return sideOf(frames, resultFrameId(lane.runId), name || 'result');
    const side = stepSide(frames, lane, index, layer, decoded, name);
    return layer === 'high' ? { ...side, gain: highGain ?? lead.highGain } : side;
  };
  const before = (): ShownSide => {
    // until it has a step, there is nothing of the other to see
    if (other !== undefined && index !== -1 && other.steps.length > 0) return shown(other);
    if (against === 'bicubic' && bicubic.image !== undefined) return bicubic;
    if (against === 'reference' && reference.image !== undefined) return reference;
    return against === 'first-stage' ? firstStage : input;
  };
  const after = (): ShownSide => {
    // before the first step there is only what the first stage made
    if (index === -1 && lead.firstStage) return firstStage;
    if (mix !== null && !showsStep) return { id: null, image: mixed, name: 'mix' };
    return shown(run);
  };
  return { before: before(), after: after(), input, ...size, showsStep };
}

function sideOf(frames: Frames, id: string, name: string): ShownSide {
  return { id, image: frames.get(id), name };
}

/** A lane's step, or its last where it took fewer; its result where the step had to make room for newer pictures. */
function stepSide(
  frames: Frames,
  { runId, steps, finished }: RunRecord,
  wanted: number,
  layer: StepLayer,
  decoded: readonly string[],
  whose: string,
): ShownSide {
  const index = Math.min(wanted, steps.length - 1);
  const fullId = stepFrameId(runId, index, layer, true);
  const full = decoded.includes(`${runId}/${index}`) && frames.get(fullId) !== undefined;
  const band = layer === 'x0' ? '' : `, ${layer} band`;
  const name = `${whose === '' ? '' : `${whose}, `}step ${index + 1}${band}`;
  const side = sideOf(frames, full ? fullId : stepFrameId(runId, index, layer), full ? name : `${name} (preview)`);
  if (side.image !== undefined || finished === null) return side;
  return sideOf(frames, resultFrameId(runId), `${name} is not kept any more: result`);
}

/** The shown pair mixed as the view says; the mix before stays until the next is made. */
function useMixed(): Image8 | undefined {
  const mix = useStudio((state) => state.view.mix);
  const runId = useStudio((state) => state.shownRunId);
  const actions = useActions();
  const [image, setImage] = useState<Image8>();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another pair gives another mix
  useEffect(() => {
    if (mix === null) return;
    let wanted = true;
    // a slider that moves asks for the last of its values only
    const timer = setTimeout(() => {
      void actions.mix(mix).then((made) => {
        if (wanted && made !== null) setImage(made);
      });
    }, SETTLE_MS);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [mix, runId, actions]);
  return mix === null ? undefined : image;
}

/** The difference of two kept pictures, computed while it is looked at; one of the same run stays until the next is there. */
export function useDifference(before: ShownSide, after: ShownSide, active: boolean): Side {
  const options = useStudio((state) => state.view.difference);
  const runId = useStudio((state) => state.shownRunId);
  const actions = useActions();
  const [found, setFound] = useState<{ readonly runId: string | null; readonly key: string; readonly side: Side }>();
  const [beforeId, afterId] = [before.id, after.id];
  const here = before.image !== undefined && after.image !== undefined;
  const key = `${beforeId}|${afterId}|${options.band}|${options.signed}|${options.gain}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the options
  useEffect(() => {
    if (!active || !here || beforeId === null || afterId === null) return;
    let wanted = true;
    void actions.difference(beforeId, afterId).then((difference) => {
      if (!wanted || difference === null) return;
      const { picture, meanLevels } = difference;
      setFound({ runId, key, side: { image: picture, name: `difference ×${options.gain} · mean ${meanLevels.toFixed(2)} of 255` } });
    });
    return () => {
      wanted = false;
    };
  }, [key, active, here, actions]);
  if (beforeId === null || afterId === null) return { image: undefined, name: 'no difference of a mix' };
  if (!here) return { image: undefined, name: 'no difference: a picture is not in memory' };
  if (found?.key === key) return found.side;
  return { image: found?.runId === runId ? found.side.image : undefined, name: 'difference…' };
}
