import { type Remote, transfer, wrap } from 'comlink';
import { StudioError, type StudioErrorData } from '../protocol/errors.ts';

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
  readonly died: Promise<never>;
  kill(reason: string): void;
}

/** `construct` makes the worker: Vite wants to see `new Worker(new URL(…))` written out. */
export function createWorkerClient<Api>(construct: () => Worker): WorkerClient<Api> {
  let live: Live<Api> | null = null;

  function start(): Live<Api> {
    const worker = construct();
    const { promise: died, reject } = Promise.withResolvers<never>();
    died.catch(() => {});
    const kill = (reason: string): void => {
      worker.terminate();
      if (live?.worker === worker) live = null;
      reject(
        new StudioError('worker-died', 'The part of the studio that computes stopped and was started again. Try once more.', {
          details: { reason },
        }),
      );
    };
    worker.addEventListener('error', (event) => kill(event.message || 'the worker could not be loaded'));
    worker.addEventListener('messageerror', () => kill('a message could not be read'));
    return { worker, api: wrap<Api>(worker), died, kill };
  }

  return {
    async call(call) {
      live ??= start();
      try {
        return await Promise.race([call(live.api), live.died]);
      } catch (error) {
        throw fromWire(error);
      }
    },
    end: () => live?.kill('it was ended'),
  };
}

/** Failures cross as plain data (see workers/transfer.ts); anything else is a fault of the crossing itself. */
function fromWire(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('kind' in error)) return error;
  const failure = error as { readonly kind: 'abort' } | { readonly kind: 'studio'; readonly error: StudioErrorData };
  if (failure.kind === 'abort') return new DOMException('The run was cancelled.', 'AbortError');
  return StudioError.fromData(failure.error);
}

export { transfer };
