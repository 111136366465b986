import type { RunEvent } from '../protocol/events.ts';
import type { SourceInfo } from '../protocol/picture-file.ts';
import type { Extent } from '../protocol/request.ts';
import type { BandSimilarity } from '../protocol/studio-api.ts';
import { highGainFor } from './band-views.ts';
import { shownLanes } from './compared.ts';
import {
  changeItem,
  editItem,
  itemOfLane,
  keptLanes,
  type QueueItem,
  type QueueState,
  removeItems,
  selectedItem,
  sharedSettings,
  waitingItems,
} from './queue.ts';
import { INITIAL_STATE, isUnsafe, type Message, type RunRecord, type SettingsState, type StudioState, type ViewState } from './state.ts';

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
    case 'tags': {
      const item = itemOfLane(state.queue, event.runId);
      const seen = { tags: event.tags, unknownWords: event.unknownWords };
      return item === undefined ? state : { ...state, queue: changeItem(state.queue, item.id, { seen }) };
    }
    case 'first-stage':
      return { ...state, runs: changeRun(state.runs, event.runId, (run) => ({ ...run, firstStage: true })) };
    case 'step': {
      const info = { timestep: event.timestep, statistics: event.previews?.statistics ?? null, similarity: null };
      const high = event.index === 0 ? event.previews?.high : undefined;
      const runs = changeRun(state.runs, event.runId, (run) => ({
        ...run,
        ...(high === undefined ? {} : { highGain: highGainFor(high) }),
        count: event.count,
        steps: [...run.steps, info],
      }));
      // a step is over when its last lane is
      const { computedSteps, elapsedMs } = event.runId === progress.laneIds.at(-1) ? event : progress;
      return { ...state, runs, progress: { ...progress, computedSteps, elapsedMs, tile: null } };
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
      const shown = state.shownRunId !== null && progress.laneIds.includes(state.shownRunId);
      const view = shown ? { ...state.view, step: null } : state.view;
      return { ...state, runs, view };
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

/** An item is about to be run; what is asked of it from now on is kept for its run. */
export function prepareRuns(state: StudioState): StudioState {
  return {
    ...state,
    progress: {
      laneIds: [],
      stage: 'load',
      backend: '',
      download: null,
      tile: null,
      computedSteps: 0,
      elapsedMs: 0,
      cancelling: false,
    },
  };
}

/** New runs that step together, shown if their item is selected. */
export function beginRuns(state: StudioState, lanes: readonly RunRecord[]): StudioState {
  const [lead] = lanes;
  if (lead === undefined) return state;
  const { laneIds } = lead;
  const begun: StudioState = {
    ...state,
    decodableRunId: lead.runId,
    progress: state.progress && { ...state.progress, laneIds },
  };
  const shown = lead.itemId === state.queue.selectedId ? showRun(begun, laneIds.at(-1) ?? null) : begun;
  return keepRuns({ ...shown, runs: [...lanes, ...state.runs] });
}

/** The state without runs that can be brought back: those of pictures that are not in the viewer, and of its picture those that are kept no more. */
export function keepRuns(state: StudioState): StudioState {
  const { runs, queue, progress, safe } = state;
  const selected = selectedItem(queue);
  const shown = shownLanes(state).map(({ runId }) => runId);
  const kept = new Set([...(selected === undefined ? [] : keptLanes(selected)), ...(progress?.laneIds ?? []), ...shown]);
  const left = runs.filter((run) => kept.has(run.runId) || isUnsafe(run, safe));
  return left.length === runs.length ? state : { ...state, runs: left };
}

/** An item's runs brought back from where they are kept, its newest first; `safe`: those of them that are on disk. */
export function bringRuns(state: StudioState, item: QueueItem, brought: readonly RunRecord[], safe: readonly string[]): StudioState {
  const order = keptLanes(item);
  const ids = new Set(brought.map(({ runId }) => runId));
  const [own, others] = [[...brought], [] as RunRecord[]];
  for (const run of state.runs) if (!ids.has(run.runId)) (run.itemId === item.id ? own : others).push(run);
  own.sort((a, b) => order.indexOf(a.runId) - order.indexOf(b.runId));
  return { ...state, runs: [...own, ...others], safe: [...new Set([...state.safe, ...safe])] };
}

/** A result that this page is no more the only place of. */
export function markSafe(state: StudioState, runId: string): StudioState {
  return keepRuns({ ...state, safe: [...new Set([...state.safe, runId])] });
}

/** Runs that ended without a result leave no trace but their message. */
export function abandonRuns(state: StudioState, laneIds: readonly string[]): StudioState {
  const gone = state.runs.find(({ runId }) => runId === laneIds[0]);
  const runs = state.runs.filter(({ runId }) => !laneIds.includes(runId));
  const shown = state.shownRunId !== null && laneIds.includes(state.shownRunId);
  const shownRunId = shown ? (runs.find(({ itemId }) => itemId === gone?.itemId)?.laneIds.at(-1) ?? null) : state.shownRunId;
  return { ...state, runs, shownRunId };
}

const RESULT_VIEW: Partial<ViewState> = { step: null, playing: false, drawing: false, mix: null, against: null };

/** A run on screen, its result as it came; none shows the picture alone. */
export function showRun(state: StudioState, runId: string | null): StudioState {
  return { ...state, shownRunId: runId, view: { ...state.view, ...RESULT_VIEW } };
}

/** A picture is chosen for the viewer, which is empty until it is read. */
export function expectPicture(state: StudioState, name: string): StudioState {
  return { ...showRun(state, null), picture: { ...INITIAL_STATE.picture, status: 'loading', name } };
}

/** An item of the queue chosen for the viewer, with its settings; in the panel of one that is selected already others may stand. */
export function chooseItem(state: StudioState, item: QueueItem): StudioState {
  const settings = item.id === state.queue.selectedId ? state.settings : item.settings;
  const reference = state.reference?.itemId === item.id ? state.reference : null;
  return { ...expectPicture(state, item.name), settings, reference, queue: { ...state.queue, selectedId: item.id } };
}

/** The chosen item in the viewer, with its picture's sides and its latest run, where there is one. */
export function showItem(state: StudioState, item: QueueItem, size: Extent, source: SourceInfo | null): StudioState {
  const own = state.runs.filter(({ itemId }) => itemId === item.id);
  const run = own.find(({ runId }) => runId === item.laneIds[0]) ?? own[0];
  const shown = showRun(state, run?.laneIds.at(-1) ?? null);
  const { height, width } = size;
  return keepRuns({
    ...shown,
    picture: { status: 'ready', name: item.name, height, width, source },
    queue: changeItem(state.queue, item.id, { size: { height, width } }),
  });
}

/** Items out of the queue, to be put back or given up; their results that are on disk are in memory no more. */
export function dropItems(state: StudioState, ids: readonly string[]): StudioState {
  const runs = state.runs.filter((run) => !ids.includes(run.itemId) || isUnsafe(run, state.safe));
  return { ...state, runs, queue: removeItems(state.queue, ids) };
}

/** What was taken out last is given up, with all there is of it. */
export function giveUpRemoved(state: StudioState): StudioState {
  const { removed } = state.queue;
  if (removed.length === 0) return state;
  const gone = (itemId: string): boolean => removed.some(({ item }) => item.id === itemId);
  const lanes = removed.flatMap(({ item }) => keptLanes(item));
  return {
    ...state,
    queue: { ...state.queue, removed: [] },
    runs: state.runs.filter(({ itemId }) => !gone(itemId)),
    safe: state.safe.filter((runId) => !lanes.includes(runId)),
    messages: state.messages.filter(({ action }) => action !== 'put-back'),
  };
}

/** Nothing in the viewer. */
export function clearDesk(state: StudioState): StudioState {
  return { ...showRun(state, null), picture: INITIAL_STATE.picture, queue: { ...state.queue, selectedId: null } };
}

/** Other settings in the panel, which are the selected item's too, unless it runs or is done. */
export function changeSettings(state: StudioState, changes: Partial<SettingsState>): StudioState {
  const settings = { ...state.settings, ...changes };
  const item = selectedItem(state.queue);
  return { ...state, settings, queue: item === undefined ? state.queue : editItem(state.queue, item.id, settings) };
}

/** For which picture a model was chosen; null for those to come. `others`: the pictures that were there besides. */
export interface Choice {
  readonly itemId: string | null;
  readonly others: readonly string[];
}

/** Whether the panel shows what a model was chosen for, or a picture opened since, which took the choice along. */
export function concernsPanel({ others }: Choice, { queue }: StudioState): boolean {
  return !others.some((id) => id === queue.selectedId);
}

/** What a model that was chosen brings with it, for what it was chosen for, whatever is shown by now; nothing where another was chosen since. */
export function settleChoice(state: StudioState, choice: Choice, bundleId: string, changes: Partial<SettingsState>): StudioState {
  const inPanel = concernsPanel(choice, state) && state.settings.bundleId === bundleId;
  const settled = inPanel ? changeSettings(state, changes) : state;
  const left = state.queue.items.find(({ id }) => id === choice.itemId && id !== state.queue.selectedId);
  if (left === undefined || left.settings.bundleId !== bundleId) return settled;
  return { ...settled, queue: editItem(settled.queue, left.id, { ...left.settings, ...changes }) };
}

/** The panel's settings for every item that waits, but for those that are one picture's. */
export function applyToWaiting(state: StudioState): StudioState {
  const shared = sharedSettings(state.settings);
  const apply = (queue: QueueState, { id, settings }: QueueItem): QueueState => editItem(queue, id, { ...settings, ...shared });
  return { ...state, queue: waitingItems(state.queue).reduce(apply, state.queue) };
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

/** No messages but those that something can still be done about. */
export function clearMessages(state: StudioState): StudioState {
  return { ...state, messages: state.messages.filter(({ action }) => action !== undefined) };
}

function changeRun(runs: readonly RunRecord[], runId: string, change: (run: RunRecord) => RunRecord): readonly RunRecord[] {
  return runs.map((run) => (run.runId === runId ? change(run) : run));
}
