import { moveItem } from '../queue.ts';
import { applyToWaiting } from '../reduce.ts';
import type { ActionContext } from './context.ts';
import type { Desk } from './desk.ts';

export interface QueueActions {
  /** Shows a picture of the queue, with its settings, steps and result. */
  select(id: string): Promise<void>;
  /** `by` places further down. */
  move(id: string, by: number): void;
  /** Takes a picture out, with its results; one that runs is stopped. It can be put back until another is taken out. */
  remove(id: string): Promise<void>;
  removeSelected(): Promise<void>;
  clearFinished(): Promise<void>;
  /** Puts back what was taken out last, where it stood. */
  putBack(): Promise<void>;
  /** The panel's settings for every picture that waits. */
  applyToWaiting(): void;
}

export function createQueueActions({ state, set, attempt }: ActionContext, desk: Desk): QueueActions {
  return {
    select: (id) => attempt(() => desk.select(id)),

    move: (id, by) => set((before) => ({ ...before, queue: moveItem(before.queue, id, by) })),

    remove: (id) => attempt(() => desk.remove([id])),

    removeSelected: () => attempt(() => desk.remove([state().queue.selectedId ?? ''])),

    clearFinished: () => attempt(() => desk.remove(state().queue.items.flatMap(({ id, status }) => (status === 'done' ? [id] : [])))),

    putBack: () => attempt(desk.putBack),

    applyToWaiting: () => set(applyToWaiting),
  };
}
