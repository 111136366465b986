import { bicubicFrameId, firstStageFrameId, inputFrameId, pictureFrameId, resultFrameId } from './frames.ts';
import { type RunRecord, type StudioState, shownAfter, shownPartner, shownRun } from './state.ts';

/** The run that stands before in the comparison; none where the input or the first stage does. */
export function shownBefore(state: StudioState): RunRecord | undefined {
  const { runs, shownRunId, view } = state;
  if (typeof view.against === 'string') return undefined;
  const wanted = view.against?.runId ?? shownAfter(state)?.laneIds[0];
  return wanted === shownRunId ? undefined : runs.find(({ runId }) => runId === wanted);
}

/** The runs whose steps are on screen: the two compared, or the pair, or the one there is. */
export function shownLanes(state: StudioState): readonly RunRecord[] {
  const [before, after] = [shownBefore(state), shownAfter(state)];
  const lanes = before === undefined ? [shownRun(state), shownPartner(state)] : [before, after];
  return lanes.filter((lane) => lane !== undefined);
}

/** Where the pictures on screen are kept, but for steps, whose place the result takes where they are gone. */
export function shownFrameIds(state: StudioState): readonly string[] {
  const lead = shownRun(state);
  const inputs = lead === undefined ? [] : [inputFrameId, firstStageFrameId, bicubicFrameId].map((idOf) => idOf(lead.runId));
  return [pictureFrameId(state.queue.selectedId ?? ''), ...inputs, ...shownLanes(state).map(({ runId }) => resultFrameId(runId))];
}

/** How many steps there are to look at, in the longest of the runs on screen. */
export function shownSteps(state: StudioState): number {
  return Math.max(0, ...shownLanes(state).map(({ steps }) => steps.length));
}

/** Other finished runs of the same part of a run's picture: what it can be held against. */
export function comparableRuns(runs: readonly RunRecord[], { runId, itemId, region }: RunRecord): readonly RunRecord[] {
  const part = JSON.stringify(region);
  return runs.filter((run) => run.finished !== null && run.itemId === itemId && JSON.stringify(run.region) === part && run.runId !== runId);
}

/** Finished runs that are listed: those of the picture in the viewer. */
export function listedRuns({ runs, queue }: StudioState): readonly RunRecord[] {
  return runs.filter(({ finished, itemId }) => finished !== null && itemId === queue.selectedId);
}

const LANE_NAMES = ['base', 'RFSR'] as const;

/** A run's name among those on screen: its part in a pair, the one it has in lists beside another's; none where it is alone. */
export function nameAmong(lanes: readonly RunRecord[], run: RunRecord, listed: ReadonlyMap<string, string>): string {
  if (lanes.some(({ laneIds }) => !laneIds.includes(run.runId))) return listed.get(run.runId) ?? run.bundleTitle;
  return (run.laneIds.length > 1 && LANE_NAMES[run.laneIds.indexOf(run.runId)]) || '';
}
