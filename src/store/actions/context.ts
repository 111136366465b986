import type { StoreApi } from 'zustand/vanilla';
import { isAbort, StudioError, type StudioErrorCode } from '../../protocol/errors.ts';
import type { Clients } from '../../worker-client/clients.ts';
import type { Frames } from '../frames.ts';
import { addMessage } from '../reduce.ts';
import type { StudioState } from '../state.ts';
import { createStorage, type Storage } from '../storage.ts';

/** What every action works on, and the one way in which actions fail. */
export interface ActionContext {
  readonly store: StoreApi<StudioState>;
  readonly frames: Frames;
  readonly clients: Clients;
  readonly storage: Storage;
  state(): StudioState;
  /** Changes the state; pictures of runs that it has no more are dropped. */
  set(change: (state: StudioState) => StudioState): void;
  /** Makes a failure a message; a cancel is none. */
  fail(error: unknown): void;
  /** Runs the work; a failure becomes a message. */
  attempt(work: () => Promise<void>): Promise<void>;
  /** What the work gives; null when it fails, which becomes a message. */
  attemptFor<T>(work: () => Promise<T | null>): Promise<T | null>;
}

const UNKEPT = {
  full: 'The browser has no more room to keep pictures. All goes on, but a reload would lose what is not saved: free some space, or save.',
  denied: 'The browser keeps nothing for this page. All goes on, but a reload would lose what is not saved: allow site data, or save.',
} as const;

export function createContext(store: StoreApi<StudioState>, frames: Frames, clients: Clients): ActionContext {
  function set(change: (state: StudioState) => StudioState): void {
    const { runs } = store.getState();
    store.setState(change);
    const kept = new Set(store.getState().runs.map(({ runId }) => runId));
    for (const { runId } of runs) if (!kept.has(runId)) frames.drop(runId);
  }

  function fail(error: unknown): void {
    if (isAbort(error)) return;
    const { code, text, details } = failureOf(error);
    set((state) => addMessage(state, { kind: 'error', text, code, details }));
  }

  const storage = createStorage(({ why, cause }) => {
    if (why === 'elsewhere') {
      const text = 'The studio is open in another tab too. That one keeps its pictures over a reload; this one does not.';
      set((state) => addMessage(state, { kind: 'notice', text, code: null, details: why }));
    } else {
      fail(new StudioError(`storage-${why}`, UNKEPT[why], { cause }));
    }
  });

  async function attemptFor<T>(work: () => Promise<T | null>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      fail(error);
      return null;
    }
  }

  async function attempt(work: () => Promise<void>): Promise<void> {
    await attemptFor(async () => {
      await work();
      return null;
    });
  }

  return { store, frames, clients, storage, fail, state: store.getState, set, attempt, attemptFor };
}

/** An error as people read it, with what a report of it needs. */
export function failureOf(error: unknown): { readonly code: StudioErrorCode; readonly text: string; readonly details: string } {
  const known = error instanceof StudioError ? error : null;
  const text = known?.message ?? `Something went wrong (${error instanceof Error ? error.message : String(error)}).`;
  return { code: known?.code ?? 'internal', text, details: JSON.stringify(known?.toData() ?? { message: text }, null, 1) };
}
