import { StudioError } from '../protocol/errors.ts';

/** Milliseconds before each further try at what a connection broke off. */
export const WAITS_MS = [1000, 4000, 16_000] as const;

/** What is known of the connection. */
export interface Network {
  /** False where this device surely has none. */
  isOnline(): boolean;
  /** Resolves after so many milliseconds, or with null once the device is online; rejects with the signal's reason. */
  wait(ms: number | null, signal: AbortSignal): Promise<void>;
}

/** The browser's own knowledge. */
export const browserNetwork: Network = {
  isOnline: () => navigator.onLine,

  async wait(ms, signal) {
    const over = new AbortController();
    try {
      await new Promise<void>((resolve, reject) => {
        const until = AbortSignal.any([signal, over.signal]);
        if (ms !== null) {
          const timer = setTimeout(resolve, ms);
          over.signal.addEventListener('abort', () => clearTimeout(timer));
        }
        window.addEventListener('online', () => resolve(), { signal: until });
        signal.addEventListener('abort', () => reject(signal.reason), { signal: over.signal });
      });
    } finally {
      over.abort();
    }
  },
};

/**
 * Work over the network, tried again where its connection was lost: after each of WAITS_MS while the device is online, and once it is online
 * again where it is not. `onWait` hears why and for how long, null for as long as the device is offline. Rejects with the failure, its true cause
 * named, or with the signal's reason.
 */
export async function persistently<T>(
  work: (attempt: number) => Promise<T>,
  network: Network,
  signal: AbortSignal,
  onWait: (failure: StudioError, ms: number | null) => void,
): Promise<T> {
  let tries = 0;
  for (let attempt = 0; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      if (!isLost(error)) throw error;
      const failure = named(error, network);
      const ms = network.isOnline() ? WAITS_MS[tries++] : null;
      if (ms === undefined) throw failure;
      onWait(failure, ms);
      await network.wait(ms, signal);
    }
  }
}

/** A lost connection by its true cause; every other failure as it is. */
export function named(error: StudioError, network: Network): StudioError;
export function named(error: unknown, network: Network): unknown;
export function named(error: unknown, network: Network): unknown {
  if (!isLost(error)) return error;
  const { code, message, details } = error;
  const text = network.isOnline()
    ? `The site does not answer. ${message}`
    : 'This device is offline. Models that are here already can be used; for others, connect it first.';
  return new StudioError(code, text, { details: { ...details, lost: message }, cause: error });
}

function isLost(error: unknown): error is StudioError {
  return error instanceof StudioError && error.code === 'network-failed';
}
