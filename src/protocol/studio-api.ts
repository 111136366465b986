import type { Backend, RunEvent } from './events.ts';
import type { Family } from './families.ts';
import type { OpenedPicture, PictureToSave } from './picture-file.ts';
import type { Extent, Image8, RestoreRequest, RunLane } from './request.ts';

/** One backend the device could run on, with the measurement and the reason that ranked it. */
export interface BackendReport {
  readonly backend: Backend;
  readonly usable: boolean;
  /** Milliseconds of a small fixed graph, null when it was not run. */
  readonly probeMs: number | null;
  /** Multiply-accumulates a second of that graph. */
  readonly macsPerSecond: number | null;
  readonly reason: string;
}

/** What bounds the memory of a run; null where it is not known or there is no such bound. */
export interface DeviceMemory {
  /** All that the device has. */
  readonly totalBytes: number | null;
  /** What the program holds before a run; 0 where it cannot be asked. */
  readonly programBytes: number;
  /** The address space of WASM, for graphs and their tensors. */
  readonly heapBytes: number | null;
  /** The largest buffer that a graph on the GPU can bind. */
  readonly bindingBytes: number | null;
}

export interface DeviceReport {
  readonly chosen: Backend;
  readonly reason: string;
  readonly candidates: readonly BackendReport[];
  readonly threads: number;
  readonly shaderF16: boolean;
  readonly memory: DeviceMemory;
}

export interface BundleSummary {
  readonly id: string;
  readonly title: string;
  readonly family: Family;
  readonly variant: 'base' | 'rfsr';
  readonly size: 'mini' | 'full';
  readonly sizeBytes: number;
}

export interface BundleList {
  readonly bundles: readonly BundleSummary[];
  /** Listed, but not to be read by this studio, and why. */
  readonly declined: readonly { readonly id: string; readonly reason: string }[];
}

/** What every worker exposes beside its own. */
export interface Living {
  /** Resolves once the worker holds the Web Lock of a name, which it does for as long as it lives, however it ends. */
  holdLife(name: string): Promise<void>;
}

/** What `studio.worker.ts` exposes over Comlink. Rejections cross as `StudioErrorData` and are rebuilt by the client. */
export interface StudioApi {
  device(override: Backend | null): Promise<DeviceReport>;
  bundles(): Promise<BundleList>;
  /** The bundle's manifest as JSON text; the client parses it with `parseManifest`. */
  manifest(bundleId: string): Promise<string>;
  /**
   * Runs one request with one model, or with several of one family stepped together on the same noise, what they share computed once.
   * Every event is awaited before the next is sent (back-pressure); resolves after `done` was acknowledged.
   * A run that was cut off (the worker died, the page was closed) goes on from the steps it took when it is asked for again under the same ids.
   * Rejects with `run-in-progress` while another run is going, and with an AbortError after `cancel`.
   */
  run(lanes: readonly RunLane[], request: RestoreRequest, onEvent: (event: RunEvent) => Promise<void>): Promise<void>;
  /**
   * Asks the run of a lane to end at its next graph boundary: with the picture of the last step it took, where it took one; asked again,
   * without. A run that already ended is no error.
   */
  cancel(runId: string): Promise<void>;
  /** Holds the run of a lane at its next graph boundary, until `goOn` or `cancel`. */
  pause(runId: string): Promise<void>;
  goOn(runId: string): Promise<void>;
  /** Decodes one kept step of the latest run with the full decoder, at full size up to 16 megapixels: x0 and its bands. */
  decodeStep(runId: string, index: number): Promise<{ readonly x0: Image8; readonly low: Image8; readonly high: Image8 }>;
}

export type DifferenceBand = 'whole' | 'low' | 'high';

export interface PictureDifference {
  readonly picture: Image8;
  /** Mean absolute difference of colour values, in levels of 255. */
  readonly meanLevels: number;
}

/** A picture against what it should be. */
export interface Judgement {
  /** Correlation at a glance, −1…1: near 1 for the same content. */
  readonly likeness: number;
  /** Of luma, in dB; ∞ for equal pictures. */
  readonly psnr: number | null;
  /** Structural similarity of luma, up to 1. */
  readonly ssim: number | null;
}

export interface BandSimilarity {
  readonly low: number;
  readonly high: number;
}

/** What `imaging.worker.ts` exposes: it never waits behind a run. */
export interface ImagingApi {
  /** The picture in a file's bytes and what is known of the file; `deep`: its 16 bits too, where it has them; `page`: which page or frame, from 0. Throws `image-*` errors and `out-of-memory`. */
  decode(bytes: ArrayBuffer, name: string, deep?: boolean, page?: number): Promise<OpenedPicture>;
  /** Whether a file begins like a picture, whatever its name and type say. */
  isPicture(file: Blob): Promise<boolean>;
  /** The sides of a picture file, upright, found without decoding it where the format allows. Throws as `decode` does. */
  inspect(file: Blob, name: string): Promise<Extent>;
  /** A picture as a file. Throws `option-invalid` where the format cannot hold its size, and `out-of-memory`. */
  encode(picture: PictureToSave): Promise<Blob>;
  /** The studio's texts in a PNG, JPEG or WebP by keyword; nothing of any other file. */
  texts(bytes: ArrayBuffer): Promise<Readonly<Record<string, string>>>;
  /** b − a within a band, times `gain` (see core/analysis.ts); `a` is resized to b's size first where it differs. */
  difference(a: Image8, b: Image8, band: DifferenceBand, signed: boolean, gain: number): Promise<PictureDifference>;
  /** The picture at another size, bicubic. */
  resize(picture: Image8, size: Extent): Promise<Image8>;
  /** How close `picture` comes to `reference`; the figures of single pixels are null where the sizes differ, or are too small. */
  judge(picture: Image8, reference: Image8): Promise<Judgement>;
  /** The low band of one picture, resized to the other's size where it differs, and the high band of the other times `gain`. */
  mix(low: Image8, high: Image8, gain: number): Promise<Image8>;
  /** What `similarity` measures against from now on; kept here, since it is measured against at every step. */
  setReference(picture: Image8 | null): Promise<void>;
  /** Structural similarity of each band of `picture` to that of the reference, resized to its size; null where there is none, or none any more. */
  similarity(picture: Image8): Promise<BandSimilarity | null>;
}
