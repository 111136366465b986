import { type Remote, transfer, wrap } from 'comlink';
import { StudioError, type StudioErrorData } from '../protocol/errors.ts';
import type { Living } from '../protocol/studio-api.ts';

/** Calls to a worker of one kind. The worker starts with the first call and starts again after it died. */
export interface WorkerClient<Api> {
  /** Runs `call` against the worker. Rejects with the worker's StudioError or AbortError, or `worker-died` when it dies meanwhile. */
  call<T>(call: (api: Remote<Api>) => Promise<T>): Promise<T>;
  /** Ends the worker, and with it every pending call; the next call starts another. */
  end(): void;
}

interface Live<Api> {
  readonly worker: Worker;
  readonly api: Remote<Api>;
  /** What ends each pending call when the worker dies. A call takes its own out: whatever waits for the worker's end keeps what it waits beside. */
  readonly pending: Set<(died: StudioError) => void>;
  kill(reason: string): void;
}

/** `construct` makes the worker: Vite wants to see `new Worker(new URL(…))` written out. */
export function createWorkerClient<Api>(construct: () => Worker): WorkerClient<Api> {
  let live: Live<Api> | null = null;

  function start(): Live<Api> {
    const worker = construct();
    const pending: Live<Api>['pending'] = new Set();
    const kill = (reason: string): void => {
      worker.terminate();
      if (live?.worker === worker) live = null;
      const died = new StudioError('worker-died', 'The part of the studio that computes stopped and was started again. Try once more.', {
        details: { reason },
      });
      for (const end of pending) end(died);
    };
    worker.addEventListener('error', (event) => kill(event.message || 'the worker could not be loaded'));
    worker.addEventListener('messageerror', () => kill('a message could not be read'));
    void watchLife(wrap<Living>(worker), () => kill('it ended without a word'));
    return { worker, api: wrap<Api>(worker), pending, kill };
  }

  return {
    async call(call) {
      live ??= start();
      const { api, pending } = live;
      let end: (died: StudioError) => void = () => {};
      try {
        return await new Promise((resolve, reject) => {
          end = reject;
          pending.add(end);
          call(api).then(resolve, reject);
        });
      } catch (error) {
        throw fromWire(error);
      } finally {
        pending.delete(end);
      }
    },
    end: () => live?.kill('it was ended'),
  };
}

/**
 * Calls `onEnd` once a worker is no more, also where it ended without an error, as one does that closes itself or whose process was killed. It holds
 * a lock for life, which comes to the page then. A heartbeat of messages would take a worker for dead that computes for long without a pause.
 */
async function watchLife(worker: Remote<Living>, onEnd: () => void): Promise<void> {
  // there are none where a page is not served securely
  const locks: LockManager | undefined = globalThis.navigator?.locks;
  if (locks === undefined) return;
  const name = `life/${crypto.randomUUID()}`;
  await worker.holdLife(name);
  await locks.request(name, onEnd);
}

/** Failures cross as plain data (see workers/transfer.ts); anything else is a fault of the crossing itself. */
function fromWire(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('kind' in error)) return error;
  const failure = error as { readonly kind: 'abort' } | { readonly kind: 'studio'; readonly error: StudioErrorData };
  if (failure.kind === 'abort') return new DOMException('The run was cancelled.', 'AbortError');
  return StudioError.fromData(failure.error);
}

export { transfer };
