import type { RunEvent } from '../protocol/events.ts';
import type { BandSimilarity } from '../protocol/studio-api.ts';
import { type Message, RUNS_KEPT, type RunRecord, type StudioState } from './state.ts';

/** The state after a worker's event. Pure; pixels go to the frame cache instead. Events of runs no longer followed change nothing. */
export function reduceEvent(state: StudioState, event: RunEvent): StudioState {
  const { progress } = state;
  if (progress === null || !progress.laneIds.includes(event.runId)) return state;
  switch (event.type) {
    case 'stage':
      return { ...state, progress: { ...progress, stage: event.stage, backend: event.backend, download: null, tile: null } };
    case 'tile':
      return { ...state, progress: { ...progress, tile: { index: event.index, count: event.count } } };
    case 'download':
      return { ...state, progress: { ...progress, download: { loadedBytes: event.loadedBytes, totalBytes: event.totalBytes } } };
    case 'tags':
      return { ...state, seen: { tags: event.tags, unknownWords: event.unknownWords } };
    case 'first-stage':
      return { ...state, runs: changeRun(state.runs, event.runId, (run) => ({ ...run, firstStage: true })) };
    case 'step': {
      const info = { timestep: event.timestep, statistics: event.previews?.statistics ?? null, similarity: null };
      const runs = changeRun(state.runs, event.runId, (run) => ({ ...run, count: event.count, steps: [...run.steps, info] }));
      // a step is over when its last lane is
      const elapsedMs = event.runId === progress.laneIds.at(-1) ? event.elapsedMs : progress.elapsedMs;
      return { ...state, runs, progress: { ...progress, elapsedMs, tile: null } };
    }
    case 'rows': {
      const { height, width } = event.whole;
      const rows = event.top + event.image.height;
      return { ...state, runs: changeRun(state.runs, event.runId, (run) => ({ ...run, height, width, rows })) };
    }
    case 'done': {
      const { recipe, timings, graphSeconds, height, width } = event;
      const finished = { recipe, timings, graphSeconds };
      const runs = changeRun(state.runs, event.runId, (run) => ({ ...run, finished, height, width }));
      const under = runs.some(({ runId, finished }) => progress.laneIds.includes(runId) && finished === null);
      return { ...state, runs, progress: under ? progress : null, view: { ...state.view, step: null } };
    }
    case 'notice': {
      const { laneIds } = progress;
      // all steps will be told again
      const again = (run: RunRecord): RunRecord => (laneIds.includes(run.runId) ? { ...run, steps: [], rows: 0 } : run);
      const runs = event.reason === 'run-resumed' ? state.runs.map(again) : state.runs;
      return addMessage({ ...state, runs }, { kind: 'notice', text: event.message, code: event.code ?? null, details: event.reason });
    }
    default:
      throw event satisfies never;
  }
}

/** New runs that step together in front, those of all but the latest RUNS_KEPT gone. */
export function beginRuns(state: StudioState, lanes: readonly RunRecord[]): StudioState {
  const laneIds = lanes.map(({ runId }) => runId);
  const runs = [...lanes, ...state.runs];
  const leads = [...new Set(runs.map((run) => run.laneIds[0]))].slice(0, RUNS_KEPT);
  return {
    ...state,
    runs: runs.filter((run) => leads.includes(run.laneIds[0])),
    shownRunId: laneIds[0] ?? null,
    progress: { laneIds, stage: 'load', backend: '', download: null, tile: null, elapsedMs: null, cancelling: false, paused: false },
    view: { ...state.view, step: null, playing: false, mix: null, against: null },
    messages: [],
  };
}

/** Runs that ended without a result leave no trace but their message. */
export function abandonRuns(state: StudioState, laneIds: readonly string[]): StudioState {
  const runs = state.runs.filter(({ runId }) => !laneIds.includes(runId));
  const shownRunId = state.shownRunId !== null && laneIds.includes(state.shownRunId) ? (runs[0]?.runId ?? null) : state.shownRunId;
  return { ...state, runs, shownRunId, progress: state.progress?.laneIds[0] === laneIds[0] ? null : state.progress };
}

/** What a step's similarity to the reference was found to be. */
export function setSimilarity(state: StudioState, runId: string, index: number, similarity: BandSimilarity): StudioState {
  const change = (run: RunRecord): RunRecord => ({
    ...run,
    steps: run.steps.map((step, i) => (i === index ? { ...step, similarity } : step)),
  });
  return { ...state, runs: changeRun(state.runs, runId, change) };
}

/** Another reference picture: what was measured against the one before is forgotten. */
export function setReference(state: StudioState, reference: StudioState['reference']): StudioState {
  const forget = (run: RunRecord): RunRecord => ({ ...run, steps: run.steps.map((step) => ({ ...step, similarity: null })) });
  return { ...state, reference, runs: state.runs.map(forget) };
}

/** A message at the end, the same one only once. */
export function addMessage(state: StudioState, message: Omit<Message, 'id'>): StudioState {
  const others = state.messages.filter(({ text }) => text !== message.text);
  const id = Math.max(0, ...state.messages.map((known) => known.id)) + 1;
  return { ...state, messages: [...others, { ...message, id }] };
}

function changeRun(runs: readonly RunRecord[], runId: string, change: (run: RunRecord) => RunRecord): readonly RunRecord[] {
  return runs.map((run) => (run.runId === runId ? change(run) : run));
}
