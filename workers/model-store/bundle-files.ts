import { StudioError } from '../../src/protocol/errors.ts';

/** What is known of a file before it is fetched. */
export interface FileEntry {
  /** Relative to the folder of models. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Where bundles are read from. Every byte given out matches its hash. */
export interface BundleFiles {
  /** A small text file, such as a manifest. Throws StudioError `weights-missing` or `network-failed`. */
  text(path: string): Promise<string>;
  /** A verified file. `onBytes` hears of bytes that had to travel. Throws also `weights-altered`; AbortError after a cancel. */
  bytes(file: FileEntry, onBytes: (count: number) => void, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>>;
  /** Whether a file is here already, without travelling. */
  has(file: FileEntry): Promise<boolean>;
}

/** Throws StudioError `weights-altered` unless the data has the promised hash. */
export async function verify(data: Uint8Array<ArrayBuffer>, { path, sha256 }: FileEntry): Promise<void> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', data));
  const actual = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (actual === sha256) return;
  throw new StudioError(
    'weights-altered',
    `The model file “${path}” is not the one its manifest promises, so it is not used. Loading it again may help.`,
    {
      details: { path, expected: sha256, actual },
    },
  );
}
