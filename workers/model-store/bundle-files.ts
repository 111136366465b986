import { StudioError } from '../../src/protocol/errors.ts';
import { sha256Of } from './sha256.ts';

/** What is known of a file before it is fetched. */
export interface FileEntry {
  /** Relative to the folder of models. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Hears of bytes that are here now; no more come before it resolves. */
export type OnBytes = (count: number) => Promise<void>;

/** Where bundles are read from. Every file given out matches its hash. */
export interface BundleFiles {
  /** A small text file, such as a manifest. Throws StudioError `weights-missing` or `network-failed`. */
  text(path: string): Promise<string>;
  /**
   * A verified file, which is not in memory until it is read. `onBytes` hears of it as it comes, where it had to travel. Throws also
   * `weights-altered`; AbortError after a cancel.
   */
  open(file: FileEntry, onBytes: OnBytes, signal: AbortSignal): Promise<Blob>;
  /** Whether a file is here already, without travelling. */
  has(file: FileEntry): Promise<boolean>;
}

/** Throws StudioError `weights-altered` unless the file has the promised hash. */
export async function verify(data: Blob, entry: FileEntry): Promise<void> {
  checkHash(await sha256Of(data), entry);
}

/** Throws StudioError `weights-altered` for another hash than the promised. */
export function checkHash(actual: string, { path, sha256 }: FileEntry): void {
  if (actual !== sha256) throw altered(path, { expected: sha256, actual });
}

export function altered(path: string, details: { readonly [key: string]: string | number }): StudioError {
  const message = `The model file “${path}” is not the one its manifest promises, so it is not used. Loading it again may help.`;
  return new StudioError('weights-altered', message, { details: { path, ...details } });
}
