import { proxy } from 'comlink';
import { StudioError } from '../protocol/errors.ts';
import type { Backend, RunEvent } from '../protocol/events.ts';
import type { ModelsApi } from '../protocol/models-api.ts';
import type { RestoreRequest, RunLane } from '../protocol/request.ts';
import type { BundleList, DeviceReport, ImagingApi, StudioApi } from '../protocol/studio-api.ts';
import { browserNetwork, named, persistently } from './network.ts';
import { createOffline, type Offline } from './offline.ts';
import { createSteering, type Steering } from './steering.ts';
import { createWorkerClient, transfer } from './worker-client.ts';

/** The worker of models; see `ModelsApi`. */
export interface ModelsClient extends ModelsApi {
  /** Ends the worker, so that the next call begins one under the policy of now, with the sites that it may ask. */
  end(): void;
}

/** What the store's actions can ask of the workers. Everything rejects with StudioError or AbortError. */
export interface Clients {
  readonly models: ModelsClient;
  readonly offline: Offline;
  device(override: Backend | null): Promise<DeviceReport>;
  bundles(): Promise<BundleList>;
  manifest(bundleId: string): Promise<string>;
  /**
   * The request's pixels are copied: the page goes on showing them. A worker or a graphics device that dies meanwhile is replaced and the run
   * goes on from its last step; the listener is told (`run-resumed`), and then hears of all steps again.
   */
  run(lanes: readonly RunLane[], request: RestoreRequest, onEvent: (event: RunEvent) => void): Promise<void>;
  /** These three are the run's under way, and stay asked of it when another worker takes it over. */
  cancel(): Promise<void>;
  pause(): Promise<void>;
  goOn(): Promise<void>;
  decodeStep(runId: string, index: number): ReturnType<StudioApi['decodeStep']>;
  /** Decodes a picture file; its bytes are moved. */
  decode: ImagingApi['decode'];
  isPicture: ImagingApi['isPicture'];
  inspect: ImagingApi['inspect'];
  encode: ImagingApi['encode'];
  texts: ImagingApi['texts'];
  difference: ImagingApi['difference'];
  resize: ImagingApi['resize'];
  judge: ImagingApi['judge'];
  mix: ImagingApi['mix'];
  setReference: ImagingApi['setReference'];
  similarity: ImagingApi['similarity'];
}

/** A run is begun again so often after what computes it died; more would mean that it is the run that kills it. */
const MAX_RECOVERIES = 2;

/** Starts nothing: each worker starts with its first call. */
export function createClients(): Clients {
  const studio = createWorkerClient<StudioApi>(
    () => new Worker(new URL('../../workers/studio.worker.ts', import.meta.url), { type: 'module', name: 'studio' }),
  );
  const imaging = createWorkerClient<ImagingApi>(
    () => new Worker(new URL('../../workers/imaging.worker.ts', import.meta.url), { type: 'module', name: 'imaging' }),
  );
  const models = createWorkerClient<ModelsApi>(
    () => new Worker(new URL('../../workers/models.worker.ts', import.meta.url), { type: 'module', name: 'models' }),
  );
  let wanted: Backend | null = null;
  let steering: Steering | null = null;
  /** What ends a run's wait for its connection, while it waits. */
  let waiting: AbortController | null = null;

  async function runAgain(
    lanes: readonly RunLane[],
    error: StudioError,
    attempt: number,
    onEvent: (event: RunEvent) => void,
  ): Promise<void> {
    studio.end();
    const [lead] = lanes;
    // a device that is lost twice is not asked a third time
    const avoided = attempt > 0 && error.code === 'device-lost';
    const what = error.code === 'device-lost' ? 'The graphics device was lost' : 'The part of the studio that computes stopped';
    const message = `${what} ${avoided ? 'again and is not used any more' : 'and was replaced'}; the run goes on from its last step.`;
    if (lead !== undefined) onEvent({ type: 'notice', runId: lead.runId, reason: 'run-resumed', message, code: error.code });
    await studio.call((api) => api.device(avoided ? 'wasm-threads' : wanted));
  }

  /** Runs to the end, on another worker or device where the one there was is lost. */
  async function runMended(lanes: readonly RunLane[], request: RestoreRequest, onEvent: (event: RunEvent) => void): Promise<void> {
    const leadId = lanes[0]?.runId ?? '';
    const steered = createSteering((what) => studio.call((api) => api[what](leadId)));
    steering = steered;
    for (let attempt = 0; ; attempt++) {
      let over = false;
      try {
        const listener = proxy(async (event: RunEvent) => {
          // a worker that died may have left some on the way
          if (over) return;
          onEvent(event);
          if (event.type === 'step') await steered.stepped(event.index);
        });
        const running = studio.call((api) => api.run(lanes, request, listener));
        if (attempt > 0) void steered.resumed().catch(() => {});
        return await running;
      } catch (error) {
        over = true;
        const mendable = error instanceof StudioError && (error.code === 'worker-died' || error.code === 'device-lost');
        if (!mendable || attempt === MAX_RECOVERIES) throw error;
        steered.lost();
        await runAgain(lanes, error, attempt, onEvent);
      }
    }
  }

  /** What a call gives; a lost connection is told by its true cause. */
  async function naming<T>(call: Promise<T>): Promise<T> {
    try {
      return await call;
    } catch (error) {
      throw named(error, browserNetwork);
    }
  }

  return {
    offline: createOffline(),
    models: {
      shelf: () => models.call((api) => api.shelf()),
      manifest: (id) => models.call((api) => api.manifest(id)),
      addFiles: (name, files, onProgress) => models.call((api) => api.addFiles(name, files, proxy(onProgress))),
      addAddress: (address) => models.call((api) => api.addAddress(address)),
      download: (id, onProgress) => models.call((api) => api.download(id, proxy(onProgress))),
      pause: (id) => models.call((api) => api.pause(id)),
      verify: (id, onProgress) => models.call((api) => api.verify(id, proxy(onProgress))),
      remove: (id) => models.call((api) => api.remove(id)),
      tidy: () => models.call((api) => api.tidy()),
      end: models.end,
    },
    device: (override) => {
      wanted = override;
      return studio.call((api) => api.device(override));
    },
    bundles: () => naming(studio.call((api) => api.bundles())),
    manifest: (bundleId) => naming(studio.call((api) => api.manifest(bundleId))),
    async run(lanes, request, onEvent) {
      const runId = lanes[0]?.runId ?? '';
      const given = new AbortController();
      const begin = (): Promise<void> => {
        waiting = null;
        return runMended(lanes, request, onEvent);
      };
      const onWait = ({ message }: StudioError, ms: number | null): void => {
        waiting = given;
        const when = ms === null ? 'once it is online' : `in ${ms / 1000} s`;
        onEvent({
          type: 'notice',
          runId,
          reason: 'network-waits',
          message: `${message} The run goes on by itself ${when}.`,
          code: 'network-failed',
        });
      };
      try {
        await persistently(begin, browserNetwork, given.signal, onWait);
      } finally {
        waiting = null;
      }
    },
    cancel: async () => (waiting === null ? steering?.cancel() : waiting.abort(new DOMException('The run was cancelled.', 'AbortError'))),
    pause: async () => steering?.pause(),
    goOn: async () => steering?.goOn(),
    decodeStep: (runId, index) => studio.call((api) => api.decodeStep(runId, index)),
    decode: (bytes, name, deep, page) => imaging.call((api) => api.decode(transfer(bytes, [bytes]), name, deep, page)),
    isPicture: (file) => imaging.call((api) => api.isPicture(file)),
    inspect: (file, name) => imaging.call((api) => api.inspect(file, name)),
    encode: (picture) => imaging.call((api) => api.encode(picture)),
    texts: (bytes) => imaging.call((api) => api.texts(bytes)),
    difference: (a, b, band, signed, gain) => imaging.call((api) => api.difference(a, b, band, signed, gain)),
    resize: (picture, size) => imaging.call((api) => api.resize(picture, size)),
    judge: (picture, reference) => imaging.call((api) => api.judge(picture, reference)),
    mix: (low, high, gain) => imaging.call((api) => api.mix(low, high, gain)),
    setReference: (picture) => imaging.call((api) => api.setReference(picture)),
    similarity: (picture) => imaging.call((api) => api.similarity(picture)),
  };
}
