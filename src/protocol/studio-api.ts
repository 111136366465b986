import type { Backend, RunEvent } from './events.ts';
import type { Image8, RestoreRequest } from './request.ts';

/** One backend the device could run on, with the measurement and the reason that ranked it. */
export interface BackendReport {
  readonly backend: Backend;
  readonly usable: boolean;
  /** Milliseconds of a small fixed graph, null when it was not run. */
  readonly probeMs: number | null;
  readonly reason: string;
}

export interface DeviceReport {
  readonly chosen: Backend;
  readonly reason: string;
  readonly candidates: readonly BackendReport[];
  readonly threads: number;
  readonly shaderF16: boolean;
}

export interface BundleSummary {
  readonly id: string;
  readonly title: string;
  readonly family: 'seesr' | 'diffbir' | 'pasd';
  readonly variant: 'base' | 'rfsr';
  readonly size: 'mini' | 'full';
  readonly sizeBytes: number;
  readonly cached: boolean;
}

/** What `studio.worker.ts` exposes over Comlink. Rejections cross as `StudioErrorData` and are rebuilt by the client. */
export interface StudioApi {
  device(override: Backend | null): Promise<DeviceReport>;
  bundles(): Promise<readonly BundleSummary[]>;
  /** The bundle's manifest as JSON text; the client parses it with `parseManifest`. */
  manifest(bundleId: string): Promise<string>;
  /**
   * Runs one request. Every event is awaited before the next is sent (back-pressure); resolves after `done` was acknowledged.
   * Rejects with `run-in-progress` while another run is going, and with an AbortError after `cancel`.
   */
  run(runId: string, request: RestoreRequest, onEvent: (event: RunEvent) => Promise<void>): Promise<void>;
  /** Asks the run to stop at its next graph boundary. A run that already ended is no error. */
  cancel(runId: string): Promise<void>;
  /** Decodes one kept step of the latest run at full size with the full decoder: x0 and its bands. */
  decodeStep(runId: string, index: number): Promise<{ readonly x0: Image8; readonly low: Image8; readonly high: Image8 }>;
  clearCache(): Promise<void>;
}

/** What `imaging.worker.ts` exposes: it never waits behind a run. */
export interface ImagingApi {
  /** Decodes PNG, JPEG, WebP, … bytes, EXIF orientation applied. Throws `image-*` errors. */
  decode(bytes: ArrayBuffer, name: string): Promise<Image8>;
  encodePng(image: Image8): Promise<ArrayBuffer>;
}
