import type { StoreApi } from 'zustand/vanilla';
import { learnRate, parseRates } from '../plan/rates.ts';
import { stepsTaken } from '../protocol/events.ts';
import { readLocal, writeLocal } from './local-values.ts';
import { macsOf } from './plan.ts';
import type { StudioState } from './state.ts';

const KEY = 'rfsr-studio.rates';

/**
 * Lets every finished run correct what is known of the device's speed, and remembers it for the next visit. A run that was cut off teaches
 * nothing: its seconds are not those of all its steps.
 */
export function keepRates(store: StoreApi<StudioState>): void {
  store.setState({ rates: parseRates(readLocal(KEY)) });
  store.subscribe((state, before) => {
    const { progress } = before;
    if (progress === null || state.progress !== null) return;
    // a pair is over when its last lane is
    const run = state.runs.find(({ runId }) => runId === progress.laneIds.at(-1));
    const macs = run === undefined ? null : macsOf(state, run);
    if (run?.finished == null || macs === null || progress.computedSteps < stepsTaken(run.finished.recipe)) return;
    const { recipe, timings } = run.finished;
    const seconds = timings.reduce((sum, timing) => (timing.stage === 'load' ? sum : sum + timing.seconds), 0);
    const rates = learnRate(state.rates, recipe.backend, macs, seconds);
    store.setState({ rates });
    writeLocal(KEY, JSON.stringify(rates));
  });
}
