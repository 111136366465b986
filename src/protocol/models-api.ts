import type { BundleSummary } from './studio-api.ts';

/** A file that a person gave, and its path within what was given: a folder, or a list of files. */
export interface GivenFile {
  readonly path: string;
  readonly file: File;
}

/** Where a model came from. `place`: an address, or what the folder is called. */
export interface ModelOrigin {
  readonly kind: 'site' | 'url' | 'folder';
  readonly place: string;
}

/** A model and how much of it is on this device. */
export interface ShelvedModel extends BundleSummary {
  readonly license: string;
  readonly origin: ModelOrigin;
  /** Of `sizeBytes`, on disk; what came of an unfinished file counts. */
  readonly keptBytes: number;
  /** What deleting it would free: the files that no other model needs. */
  readonly ownBytes: number;
  readonly files: number;
  /** How many of those are here. */
  readonly keptFiles: number;
}

/** All models, and the room they take. */
export interface Shelf {
  readonly models: readonly ShelvedModel[];
  /** Found, but not to be used: which field or file is wrong and what would be right. */
  readonly declined: readonly { readonly id: string; readonly reason: string }[];
  /** On disk, but of no model that there is. */
  readonly needlessBytes: number;
  /** All that this site keeps, and what it may keep; null where the browser does not say. */
  readonly usedBytes: number | null;
  readonly quotaBytes: number | null;
}

/** What became of a folder or an address that a person gave. */
export interface Added {
  /** Ids of models that are on the shelf now, all of each here or to be downloaded. */
  readonly added: readonly string[];
  readonly declined: readonly { readonly id: string; readonly reason: string }[];
}

/** How far a download, an import or a check is. */
export interface ModelProgress {
  readonly bundleId: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export type OnModelProgress = (progress: ModelProgress) => Promise<void>;

/** What `models.worker.ts` exposes over Comlink: it never waits behind a run, and it alone asks other sites for anything. */
export interface ModelsApi {
  shelf(): Promise<Shelf>;
  /** The manifest of a model on the shelf as JSON text, whether its files are here or not. */
  manifest(bundleId: string): Promise<string>;
  /**
   * Copies the models in a folder, or among files, onto this device; files that are here already are not read. Throws StudioError where there is
   * no model at all, `storage-full` before anything is copied that would not fit; AbortError after `pause`.
   */
  addFiles(name: string, files: readonly GivenFile[], onProgress: OnModelProgress): Promise<Added>;
  /** Puts the models at an address on the shelf; `download` brings their files. Throws StudioError where there is none. */
  addAddress(address: string): Promise<Added>;
  /**
   * Brings what is missing of a model, several files at once, each going on where it was broken off. Throws StudioError (`storage-full` before it
   * begins, where it would not fit), AbortError after `pause`.
   */
  download(bundleId: string, onProgress: OnModelProgress): Promise<void>;
  /** Ends the download or import of a model, or all of them for null; what came stays. */
  pause(bundleId: string | null): Promise<void>;
  /** Hashes every file of a model that is here; what is damaged is removed, so that `download` repairs it. Gives the names of those. */
  verify(bundleId: string, onProgress: OnModelProgress): Promise<readonly string[]>;
  /** Removes a model's files that no other model needs, and one that was added from the shelf. */
  remove(bundleId: string): Promise<void>;
  /** Removes files of no model. Gives how many bytes. */
  tidy(): Promise<number>;
}

/** The broadcast channel on which it is told, without words, that there are other models than before. */
export const MODELS_CHANNEL = 'rfsr-models';
