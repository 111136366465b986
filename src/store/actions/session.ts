import { EMPTY_QUEUE, restoreQueue, runningItem } from '../queue.ts';
import { addMessage } from '../reduce.ts';
import { fileKey, readSession, resultKey, SESSION_KEY, type Session, sessionKeys } from '../session.ts';
import type { ActionContext } from './context.ts';
import type { Desk } from './desk.ts';
import type { Models } from './models.ts';
import type { Work } from './work.ts';

export interface SessionActions {
  /** Brings back what the page before left, inspects the device, lists the models, and goes on. Called once, after the first paint. */
  start(search: string): Promise<void>;
}

export function createSessionActions(context: ActionContext, models: Models, desk: Desk, work: Work): SessionActions {
  const { store, state, set, storage, attempt } = context;

  /** Pictures, settings and results of the page before; null where there was none. */
  async function restore(): Promise<Session | null> {
    const session = readSession(await storage.get(SESSION_KEY));
    if (session === null) return null;
    const keys = await storage.keys();
    const queue = restoreQueue({ ...session.queue, removed: [] }, (what, id) => keys.has(what === 'file' ? fileKey(id) : resultKey(id)));
    const lost = session.queue.items.length - queue.items.length;
    if (lost > 0) notice(`${lost} of the pictures from before could not be kept.`, 'pictures-lost');
    set((before) => {
      const items = [...queue.items, ...before.queue.items];
      const { going, asked, paused } = queue;
      // what is held waits for the person; all else for the models
      const held = paused ? { going, paused } : {};
      return { ...before, settings: session.settings, queue: { ...before.queue, ...held, asked, items } };
    });
    if (state().picture.status === 'empty' && queue.items.length > 0) {
      const chosen = queue.items.filter(({ id }) => id === queue.selectedId);
      await desk.selectFirst([...chosen, ...queue.items]);
    }
    return session;
  }

  /** Keeps pictures, settings and their order from now on, whenever they change; one write at a time. */
  function keep(): void {
    let writing = false;
    let changed = false;
    const write = async (): Promise<void> => {
      changed = true;
      if (writing) return;
      writing = true;
      while (changed) {
        changed = false;
        const { queue, settings } = state();
        const { removed: _, ...kept } = queue;
        await storage.put(SESSION_KEY, { queue: kept, settings } satisfies Session);
        await storage.retain(sessionKeys(state().queue));
      }
      writing = false;
    };
    store.subscribe((now, before) => {
      if (now.queue !== before.queue || now.settings !== before.settings) void write();
    });
  }

  function notice(text: string, details: string): void {
    set((before) => addMessage(before, { kind: 'notice', text, code: null, details }));
  }

  return {
    start: (search) =>
      attempt(async () => {
        const session = await restore();
        keep();
        await models.load(search, session !== null);
        const { queue } = session ?? { queue: EMPTY_QUEUE };
        const cutOff = runningItem(queue);
        if (queue.paused || (cutOff === undefined && !queue.going && queue.asked.length === 0)) return;
        notice('Going on where the page was left.', 'session');
        if (queue.going) set((before) => ({ ...before, queue: { ...before.queue, going: true } }));
        await work.goOn(cutOff?.id);
      }),
  };
}
