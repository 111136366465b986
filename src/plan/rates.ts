import { BACKENDS, type Backend } from '../protocol/events.ts';
import { number, record } from '../protocol/parse.ts';
import type { DeviceReport } from '../protocol/studio-api.ts';

/** Multiply-accumulates a second of finished runs, by backend. */
export type Rates = Readonly<Partial<Record<Backend, number>>>;

/** How much the latest run counts against those before it. */
const LATEST_SHARE = 0.5;

/** The rates after a run of so many multiply-accumulates. */
export function learnRate(rates: Rates, backend: Backend, macs: number, seconds: number): Rates {
  const found = macs / seconds;
  const before = rates[backend] ?? found;
  return { ...rates, [backend]: LATEST_SHARE * found + (1 - LATEST_SHARE) * before };
}

/** What this device does on its chosen backend: as finished runs found, else as the probe did; null where neither is known. */
export function rateOf({ chosen, candidates }: DeviceReport, rates: Rates): number | null {
  return rates[chosen] ?? candidates.find(({ backend }) => backend === chosen)?.macsPerSecond ?? null;
}

/** Rates as JSON holds them; none where the text cannot be read, since the probe will do. */
export function parseRates(text: string | null): Rates {
  try {
    const read = record(number())(JSON.parse(text ?? '{}'), '', (path, expected) => {
      throw new TypeError(`expected ${expected} at ${path}`);
    });
    return Object.fromEntries(BACKENDS.flatMap((backend) => (Number(read[backend]) > 0 ? [[backend, read[backend]]] : [])));
  } catch {
    return {};
  }
}
