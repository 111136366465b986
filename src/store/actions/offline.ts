import { SHARED_QUERY } from '../../protocol/offline.ts';
import { readLocal, writeLocal } from '../local-values.ts';
import { addMessage } from '../reduce.ts';
import { pairOf, underWay } from '../state.ts';
import type { ActionContext } from './context.ts';
import type { OpenActions } from './open.ts';

/** Where it is remembered that the page was loaded anew to be isolated: once is enough to know whether that helps. */
const ISOLATED_STORED = 'reloaded-for-threads';

export interface OfflineActions {
  /**
   * Makes the studio work without a network, and takes pictures that the system or another program gives it. Called once, after the models are
   * listed. What is used on this device, the chosen model included, is kept unless the person saves data.
   */
  startOffline(search: string): Promise<void>;
  /** Loads the page anew in the version that was announced; not while something runs. */
  takeUpdate(): Promise<void>;
}

/** Of browsers that have it; not in TypeScript's library. */
interface LaunchQueue {
  setConsumer(take: (launch: { readonly files?: readonly FileSystemFileHandle[] }) => void): void;
}

export function createOfflineActions({ state, set, clients, attempt }: ActionContext, open: OpenActions): OfflineActions {
  const { offline, models } = clients;

  function announce(): void {
    const text = 'A new version of the studio is ready. Nothing changes until you take it.';
    set((before) => addMessage(before, { kind: 'notice', text, code: null, details: 'update', action: 'update' }));
  }

  async function keep(): Promise<void> {
    const { device, settings } = state();
    if (isolationGained()) return window.location.reload();
    const { connection } = navigator as { readonly connection?: { readonly saveData?: boolean } };
    if (device === null || connection?.saveData === true) return;
    await offline.keep(device.chosen);
    for (const id of pairOf(state(), settings.bundleId) ?? [settings.bundleId]) await models.download(id, async () => {});
  }

  /** Whether a page that is loaded anew would have threads, which this one has not: the service worker sends what the host does not. */
  function isolationGained(): boolean {
    if (window.crossOriginIsolated || state().queue.items.length > 0 || underWay(state())) return false;
    if (readLocal(ISOLATED_STORED) !== null) return false;
    writeLocal(ISOLATED_STORED, 'yes');
    return true;
  }

  async function take(files: readonly File[]): Promise<void> {
    const [file, ...more] = files;
    if (more.length > 0) await open.add(files);
    else if (file !== undefined) await open.open(file, file.name);
  }

  return {
    startOffline: (search) =>
      attempt(async () => {
        const { launchQueue } = window as { readonly launchQueue?: LaunchQueue };
        launchQueue?.setConsumer(
          ({ files = [] }) => void attempt(async () => take(await Promise.all(files.map((file) => file.getFile())))),
        );
        if (new URLSearchParams(search).has(SHARED_QUERY)) await take(await offline.shared());
        // a comfort for the next visit: what cannot be kept now is asked for again then, or when it is needed
        await offline.start(announce, () => void keep().catch(() => {}));
      }),

    takeUpdate: () =>
      attempt(async () => {
        if (!underWay(state())) await offline.takeUpdate();
      }),
  };
}
