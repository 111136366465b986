import { type QueueItem, resultSize, runningItem, waitingItems } from './queue.ts';
import type { Pace, RunRecord, SettingsState, StudioState } from './state.ts';

/** How much there is to do: megapixels of the result, by passes through the denoiser. */
export function workOf(height: number, width: number, steps: number, guidance: number, lanes: number): number {
  return ((height * width) / 1e6) * steps * (guidance > 1 ? 2 : 1) * lanes;
}

/** Seconds the run under way still needs for its steps, from the pace of those it computed; null before the first. */
export function secondsLeft({ progress, runs }: StudioState): number | null {
  const run = runs.find(({ runId }) => runId === progress?.laneIds[0]);
  if (progress === null || progress.computedSteps === 0 || run === undefined || run.steps.length === 0) return null;
  return ((progress.elapsedMs / progress.computedSteps) * (run.count - run.steps.length)) / 1000;
}

/** Seconds that everything running and waiting needs, from what runs took since the page was loaded; null where a model was not run yet. */
export function queueSecondsLeft(state: StudioState): number | null {
  const running = runningItem(state.queue);
  const left = secondsLeft(state);
  const lead = state.runs.find(({ runId }) => runId === state.progress?.laneIds[0]);
  const live = running === undefined || lead === undefined ? null : livePace(state, lead, running.settings);
  const secondsFor = (item: QueueItem): number | null => {
    const { bundleId, steps, guidance, compare } = item.settings;
    const size = resultSize(item);
    const pace = state.paces[bundleId] ?? (bundleId === running?.settings.bundleId ? live : null);
    // a file that shows no size is no picture, and fails at once
    if (size === null) return 0;
    if (pace === null || pace === undefined) return null;
    const work = workOf(size.height, size.width, steps, guidance, compare ? 2 : 1);
    return (pace.seconds / pace.work) * work;
  };
  const parts = [...(running === undefined ? [] : [left ?? secondsFor(running)]), ...waitingItems(state.queue).map(secondsFor)];
  return parts.reduce((sum, part) => (sum === null || part === null ? null : sum + part), 0);
}

/** What the steps so far of the run under way tell; null before the first. */
function livePace({ progress }: StudioState, { height, width }: RunRecord, { guidance }: SettingsState): Pace | null {
  if (progress === null || progress.computedSteps === 0) return null;
  return { seconds: progress.elapsedMs / 1000, work: workOf(height, width, progress.computedSteps, guidance, progress.laneIds.length) };
}

/** A duration as rough as an estimate is. */
export function aboutDuration(seconds: number): string {
  if (seconds < 10) return 'a moment';
  if (seconds < 90) return `about ${Math.ceil(seconds / 10) * 10} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `about ${minutes} min` : `about ${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
