import type { StoreApi } from 'zustand/vanilla';
import { isAbort, StudioError } from '../../protocol/errors.ts';
import type { Clients } from '../../worker-client/clients.ts';
import type { Frames } from '../frames.ts';
import { addMessage } from '../reduce.ts';
import type { StudioState } from '../state.ts';

/** What every action works on, and the one way in which actions fail. */
export interface ActionContext {
  readonly store: StoreApi<StudioState>;
  readonly frames: Frames;
  readonly clients: Clients;
  state(): StudioState;
  set(change: (state: StudioState) => StudioState): void;
  /** Runs the work; a failure becomes a message. */
  attempt(work: () => Promise<void>): Promise<void>;
  /** What the work gives; null when it fails, which becomes a message. */
  attemptFor<T>(work: () => Promise<T | null>): Promise<T | null>;
}

export function createContext(store: StoreApi<StudioState>, frames: Frames, clients: Clients): ActionContext {
  const set = (change: (state: StudioState) => StudioState): void => store.setState(change);

  function fail(error: unknown): void {
    if (isAbort(error)) return;
    const known = error instanceof StudioError ? error : null;
    const text = known?.message ?? `Something went wrong (${error instanceof Error ? error.message : String(error)}).`;
    const details = JSON.stringify(known?.toData() ?? { message: text }, null, 1);
    set((state) => addMessage(state, { kind: 'error', text, code: known?.code ?? 'internal', details }));
  }

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

  return { store, frames, clients, state: store.getState, set, attempt, attemptFor };
}
