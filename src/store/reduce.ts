import type { RunEvent } from '../protocol/events.ts';
import { type Message, RUNS_KEPT, type RunRecord, type StudioState } from './state.ts';

/** The state after a worker's event. Pure; pixels go to the frame cache instead. Events of runs no longer followed change nothing. */
export function reduceEvent(state: StudioState, event: RunEvent): StudioState {
  const { progress } = state;
  if (progress === null || progress.runId !== event.runId) return state;
  switch (event.type) {
    case 'stage':
      return { ...state, progress: { ...progress, stage: event.stage, backend: event.backend, download: null } };
    case 'download':
      return { ...state, progress: { ...progress, download: { loadedBytes: event.loadedBytes, totalBytes: event.totalBytes } } };
    case 'tags':
      return { ...state, seen: { tags: event.tags, unknownWords: event.unknownWords } };
    case 'step': {
      const info = { timestep: event.timestep, statistics: event.previews?.statistics ?? null };
      const runs = changeRun(state.runs, event.runId, (run) => ({ ...run, count: event.count, steps: [...run.steps, info] }));
      return { ...state, runs, progress: { ...progress, elapsedMs: event.elapsedMs } };
    }
    case 'done': {
      const { recipe, timings, graphSeconds, image } = event;
      const finished = { recipe, timings, graphSeconds };
      const runs = changeRun(state.runs, event.runId, (run) => ({ ...run, finished, height: image.height, width: image.width }));
      return { ...state, runs, progress: null, view: { ...state.view, step: null } };
    }
    case 'notice':
      return addMessage(state, { kind: 'notice', text: event.message, code: event.code ?? null, details: event.reason });
    default:
      throw event satisfies never;
  }
}

/** A new run in front, the oldest beyond RUNS_KEPT gone. */
export function beginRun(state: StudioState, run: RunRecord): StudioState {
  return {
    ...state,
    runs: [run, ...state.runs].slice(0, RUNS_KEPT),
    shownRunId: run.runId,
    progress: { runId: run.runId, stage: 'load', backend: '', download: null, elapsedMs: null, cancelling: false },
    view: { ...state.view, step: null, playing: false },
    messages: [],
  };
}

/** A run that ended without a result leaves no trace but its message. */
export function abandonRun(state: StudioState, runId: string): StudioState {
  const runs = state.runs.filter((run) => run.runId !== runId || run.finished !== null);
  const shownRunId = state.shownRunId === runId ? (runs[0]?.runId ?? null) : state.shownRunId;
  return { ...state, runs, shownRunId, progress: state.progress?.runId === runId ? null : state.progress };
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
