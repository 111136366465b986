import type { StoreApi } from 'zustand/vanilla';
import type { Clients } from '../worker-client/clients.ts';
import { type CompareActions, createComparing } from './actions/compare.ts';
import { createContext } from './actions/context.ts';
import { createModels, type ModelActions } from './actions/models.ts';
import { createOpenActions, type OpenActions } from './actions/open.ts';
import { createRunActions, type RunActions } from './actions/run.ts';
import { createSaveActions, type SaveActions } from './actions/save.ts';
import { createViewActions, type ViewActions } from './actions/view.ts';
import type { Frames } from './frames.ts';
import type { StudioState } from './state.ts';

/** What a person can do. Only these call the workers; failures become messages, never exceptions. */
export type Actions = ModelActions & OpenActions & RunActions & ViewActions & CompareActions & SaveActions;

/** Actions over a store, its pictures and the workers. */
export function createActions(store: StoreApi<StudioState>, frames: Frames, clients: Clients): Actions {
  const context = createContext(store, frames, clients);
  const models = createModels(context);
  const comparing = createComparing(context);
  return {
    ...models.actions,
    ...createOpenActions(context, models),
    ...createRunActions(context, models, comparing),
    ...createViewActions(context),
    ...comparing.actions,
    ...createSaveActions(context, comparing.actions),
  };
}
