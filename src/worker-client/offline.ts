import { StudioError } from '../protocol/errors.ts';
import type { Backend } from '../protocol/events.ts';
import { type OfflineAsk, SHARED_CACHE } from '../protocol/offline.ts';

/** The studio's service worker, where the browser has it for this page; where not, all of this does nothing. */
export interface Offline {
  /** Registers it. `onUpdate` hears once a new version waits to be taken; `onControl` once the page is served by way of it. */
  start(onUpdate: () => void, onControl: () => void): Promise<void>;
  /** Keeps what computes on this backend and the list of models, for when the network is off. */
  keep(backend: Backend): Promise<void>;
  /**
   * Lets the worker of models ask these sites too. Gives whether that is new: one that is there already has the policy it began with. Throws
   * StudioError `storage-full`.
   */
  allow(sites: readonly string[]): Promise<boolean>;
  /** Loads the page anew in the version that waits. */
  takeUpdate(): Promise<void>;
  /** Pictures that another program shared with the studio; each is given once. */
  shared(): Promise<readonly File[]>;
}

/** A service worker that does not take the page over by then will not. */
const CONTROL_MS = 5000;

export function createOffline(): Offline {
  const workers = (navigator as { readonly serviceWorker?: ServiceWorkerContainer }).serviceWorker;
  let registration: ServiceWorkerRegistration | undefined;

  async function controlled(): Promise<ServiceWorker | null> {
    if (workers === undefined || registration === undefined) return null;
    if (workers.controller !== null) return workers.controller;
    const signal = AbortSignal.timeout(CONTROL_MS);
    await new Promise<void>((resolve) => {
      workers.addEventListener('controllerchange', () => resolve(), { once: true });
      signal.addEventListener('abort', () => resolve());
    });
    return workers.controller;
  }

  function ask(worker: ServiceWorker | null | undefined, what: OfflineAsk, transfer: Transferable[] = []): void {
    worker?.postMessage(what, transfer);
  }

  return {
    async start(onUpdate, onControl) {
      // while the studio is changed, it comes from its source
      if (workers === undefined || import.meta.env.DEV) return;
      // a profile may refuse, and some give nothing
      const registered = (await workers.register('./service-worker.js').catch(() => undefined)) as ServiceWorkerRegistration | undefined;
      if (registered === undefined) return;
      registration = registered;
      const tell = (): void => {
        if (registered.waiting !== null && workers.controller !== null) onUpdate();
      };
      tell();
      registered.addEventListener('updatefound', () => registered.installing?.addEventListener('statechange', tell));
      if ((await controlled()) !== null) onControl();
    },

    keep: async (backend) => ask(await controlled(), { type: 'keep', backend }),

    async allow(sites) {
      const worker = await controlled();
      if (worker === null) return false;
      const { port1, port2 } = new MessageChannel();
      const answer = new Promise<boolean | null>((resolve) => {
        port1.onmessage = ({ data }: MessageEvent<boolean | null>) => resolve(data);
      });
      ask(worker, { type: 'allow', sites }, [port2]);
      const isNew = await answer;
      if (isNew === null)
        throw new StudioError(
          'storage-full',
          'The browser has no room left to remember a site: delete a model, or free space on the disk.',
        );
      return isNew;
    },

    async takeUpdate() {
      const waiting = registration?.waiting;
      if (waiting == null) return;
      workers?.addEventListener('controllerchange', () => window.location.reload(), { once: true });
      ask(waiting, { type: 'take-over' });
    },

    async shared() {
      if (!('caches' in globalThis)) return [];
      const cache = await caches.open(SHARED_CACHE);
      const files: File[] = [];
      for (const request of await cache.keys()) {
        const response = await cache.match(request);
        await cache.delete(request);
        if (response === undefined) continue;
        const type = response.headers.get('content-type') ?? '';
        files.push(new File([await response.blob()], decodeURIComponent(response.headers.get('x-name') ?? 'shared picture'), { type }));
      }
      return files;
    },
  };
}
