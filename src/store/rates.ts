import type { StoreApi } from 'zustand/vanilla';
import { learnRate, parseRates } from '../plan/rates.ts';
import { readLocal, writeLocal } from './local-values.ts';
import { macsOf } from './plan.ts';
import type { StudioState } from './state.ts';

const KEY = 'rfsr-studio.rates';

/** Lets every finished run correct what is known of the device's speed, and remembers it for the next visit. */
export function keepRates(store: StoreApi<StudioState>): void {
  store.setState({ rates: parseRates(readLocal(KEY)) });
  store.subscribe((state, before) => {
    // a pair is over when its last lane is
    const ended = before.progress !== null && state.progress === null ? before.progress.laneIds.at(-1) : undefined;
    const run = state.runs.find(({ runId }) => runId === ended);
    const macs = run === undefined ? null : macsOf(state, run);
    if (run?.finished == null || macs === null) return;
    const { recipe, timings } = run.finished;
    const seconds = timings.reduce((sum, timing) => (timing.stage === 'load' ? sum : sum + timing.seconds), 0);
    const rates = learnRate(state.rates, recipe.backend, macs, seconds);
    store.setState({ rates });
    writeLocal(KEY, JSON.stringify(rates));
  });
}
