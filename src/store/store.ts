import { createContext, use } from 'react';
import { useStore } from 'zustand';
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { Clients } from '../worker-client/clients.ts';
import { type Actions, createActions } from './actions.ts';
import { shownFrameIds } from './compared.ts';
import { createFrames, type Frames } from './frames.ts';
import { keepRates } from './rates.ts';
import { storedSaveOptions } from './save-options.ts';
import { INITIAL_STATE, type StudioState } from './state.ts';

const FRAME_BUDGET_BYTES = 384 * 2 ** 20;

/** The store, the pictures beside it, and what can be done. */
export interface Workbench {
  readonly store: StoreApi<StudioState>;
  readonly frames: Frames;
  readonly actions: Actions;
}

export function createWorkbench(clients: Clients): Workbench {
  const store = createStore<StudioState>(() => ({ ...INITIAL_STATE, saveOptions: storedSaveOptions() }));
  keepRates(store);
  const frames = createFrames(FRAME_BUDGET_BYTES, () => shownFrameIds(store.getState()));
  return { store, frames, actions: createActions(store, frames, clients) };
}

export const WorkbenchContext = createContext<Workbench | null>(null);

function useWorkbench(): Workbench {
  const workbench = use(WorkbenchContext);
  if (workbench === null) throw new TypeError('expected a WorkbenchContext above this component');
  return workbench;
}

/** A part of the state; the component renders again when it changes. */
export function useStudio<T>(select: (state: StudioState) => T): T {
  return useStore(useWorkbench().store, select);
}

export function useActions(): Actions {
  return useWorkbench().actions;
}

export function useFrames(): Frames {
  return useWorkbench().frames;
}
