import type { StoreApi } from 'zustand/vanilla';
import type { Clients } from '../worker-client/clients.ts';
import { type CompareActions, createComparing } from './actions/compare.ts';
import { createContext } from './actions/context.ts';
import { createDesk } from './actions/desk.ts';
import { createModels, type ModelActions } from './actions/models.ts';
import { createOfflineActions, type OfflineActions } from './actions/offline.ts';
import { createOpenActions, type OpenActions } from './actions/open.ts';
import { createPictures } from './actions/pictures.ts';
import { createQueueActions, type QueueActions } from './actions/queue.ts';
import { createResults } from './actions/results.ts';
import { createRunner } from './actions/run.ts';
import { createSaving, type SaveActions } from './actions/save.ts';
import { createSessionActions, type SessionActions } from './actions/session.ts';
import { createShelfActions, type ShelfActions } from './actions/shelf.ts';
import { createViewActions, type ViewActions } from './actions/view.ts';
import { createWork, type WorkActions } from './actions/work.ts';
import type { Frames } from './frames.ts';
import type { StudioState } from './state.ts';

/** What a person can do. Only these call the workers; failures become messages, never exceptions. */
export type Actions = SessionActions &
  ModelActions &
  ShelfActions &
  OfflineActions &
  OpenActions &
  QueueActions &
  WorkActions &
  ViewActions &
  CompareActions &
  SaveActions;

/** Actions over a store, its pictures and the workers. */
export function createActions(store: StoreApi<StudioState>, frames: Frames, clients: Clients): Actions {
  const context = createContext(store, frames, clients);
  const models = createModels(context);
  const comparing = createComparing(context);
  const pictures = createPictures(context);
  const results = createResults(context, pictures);
  const runner = createRunner(context, models, pictures, comparing);
  const desk = createDesk(context, models, pictures, results, runner);
  const saving = createSaving(context, pictures, results, comparing.actions);
  const work = createWork(context, runner, saving);
  const open = createOpenActions(context, models, pictures, desk);
  return {
    ...createSessionActions(context, models, desk, work),
    ...models.actions,
    ...createShelfActions(context, models),
    ...open,
    ...createOfflineActions(context, open),
    ...createQueueActions(context, desk),
    ...work.actions,
    ...createViewActions(context, results, desk, comparing),
    ...comparing.actions,
    ...saving.actions,
  };
}
