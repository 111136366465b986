import { knownRate } from './plan.ts';
import { type QueueItem, runningItem, waitingItems } from './queue.ts';
import type { RunRecord, StudioState } from './state.ts';

/** Seconds the run under way still needs for its steps, from the pace of those it computed; null before the first. */
export function secondsLeft(state: StudioState): number | null {
  const { progress } = state;
  const run = leadUnderWay(state);
  if (progress === null || progress.computedSteps === 0 || run === undefined || run.steps.length === 0) return null;
  return ((progress.elapsedMs / progress.computedSteps) * (run.count - run.steps.length)) / 1000;
}

/**
 * Seconds that everything running and waiting needs at the device's speed, given the items' multiply-accumulates (see `plannedMacs`), but for
 * a run that knows its own pace; null where the speed or one of them is not known.
 */
export function queueSecondsLeft(state: StudioState, macsOf: (item: QueueItem) => number | null): number | null {
  const rate = knownRate(state);
  const secondsFor = (item: QueueItem): number | null => {
    const macs = macsOf(item);
    return macs === null || rate === null ? null : macs / rate;
  };
  const running = runningItem(state.queue);
  const whole = running === undefined ? 0 : secondsFor(running);
  const run = leadUnderWay(state);
  const ahead01 = run === undefined ? 1 : 1 - run.steps.length / run.count;
  const left = secondsLeft(state) ?? (whole === null ? null : ahead01 * whole);
  return waitingItems(state.queue)
    .map(secondsFor)
    .reduce((sum, part) => (sum === null || part === null ? null : sum + part), left);
}

function leadUnderWay({ progress, runs }: StudioState): RunRecord | undefined {
  return runs.find(({ runId }) => runId === progress?.laneIds[0]);
}
