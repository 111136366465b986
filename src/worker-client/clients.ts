import { proxy } from 'comlink';
import type { Backend, RunEvent } from '../protocol/events.ts';
import type { Image8, RestoreRequest, RunLane } from '../protocol/request.ts';
import type { BundleSummary, DeviceReport, ImagingApi, StudioApi } from '../protocol/studio-api.ts';
import { createWorkerClient, transfer } from './worker-client.ts';

/** What the store's actions can ask of the workers. Everything rejects with StudioError or AbortError. */
export interface Clients {
  device(override: Backend | null): Promise<DeviceReport>;
  bundles(): Promise<readonly BundleSummary[]>;
  manifest(bundleId: string): Promise<string>;
  /** The request's pixels are copied: the page goes on showing them. */
  run(lanes: readonly RunLane[], request: RestoreRequest, onEvent: (event: RunEvent) => void): Promise<void>;
  cancel(runId: string): Promise<void>;
  decodeStep(runId: string, index: number): ReturnType<StudioApi['decodeStep']>;
  clearCache(): Promise<void>;
  /** Decodes a picture file; its bytes are moved. */
  decode(bytes: ArrayBuffer, name: string): Promise<Image8>;
  encodePng: ImagingApi['encodePng'];
  texts: ImagingApi['texts'];
  difference: ImagingApi['difference'];
  mix: ImagingApi['mix'];
  similarity: ImagingApi['similarity'];
}

/** Starts nothing: each worker starts with its first call. */
export function createClients(): Clients {
  const studio = createWorkerClient<StudioApi>(
    () => new Worker(new URL('../../workers/studio.worker.ts', import.meta.url), { type: 'module', name: 'studio' }),
  );
  const imaging = createWorkerClient<ImagingApi>(
    () => new Worker(new URL('../../workers/imaging.worker.ts', import.meta.url), { type: 'module', name: 'imaging' }),
  );
  return {
    device: (override) => studio.call((api) => api.device(override)),
    bundles: () => studio.call((api) => api.bundles()),
    manifest: (bundleId) => studio.call((api) => api.manifest(bundleId)),
    run: (lanes, request, onEvent) => {
      const listener = proxy(async (event: RunEvent) => onEvent(event));
      return studio.call((api) => api.run(lanes, request, listener));
    },
    cancel: (runId) => studio.call((api) => api.cancel(runId)),
    decodeStep: (runId, index) => studio.call((api) => api.decodeStep(runId, index)),
    clearCache: () => studio.call((api) => api.clearCache()),
    decode: (bytes, name) => imaging.call((api) => api.decode(transfer(bytes, [bytes]), name)),
    encodePng: (image, texts) => imaging.call((api) => api.encodePng(image, texts)),
    texts: (bytes) => imaging.call((api) => api.texts(bytes)),
    difference: (a, b, band, signed) => imaging.call((api) => api.difference(a, b, band, signed)),
    mix: (low, high, gain) => imaging.call((api) => api.mix(low, high, gain)),
    similarity: (picture, reference) => imaging.call((api) => api.similarity(picture, reference)),
  };
}
