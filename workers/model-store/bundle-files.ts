import { type Manifest, parseManifest } from '../../src/protocol/manifest.ts';
import { altered } from './file-faults.ts';
import { sha256Of } from './sha256.ts';

/** What is known of a file before it is fetched. */
export interface FileEntry {
  /** Its address: relative to the site's folder of models, or whole. */
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

/** A bundle's manifest and where its files are. */
export interface Bundle {
  readonly manifest: Manifest;
  /** Each once, by hash. */
  readonly files: readonly FileEntry[];
  /** The address of a file that the manifest names. */
  resolve(path: string): string;
}

/** The bundle whose manifest of this text is at `address`. Throws StudioError `manifest-invalid` with the path of the first bad field. */
export function readBundle(address: string, text: string): Bundle {
  const manifest = parseManifest(text);
  const resolve = (path: string): string => beside(address, path);
  const graphs = Object.values(manifest.graphs).flatMap((chain) => chain ?? []);
  const listed = [manifest.tokenizer, ...graphs.flatMap((graph) => graph.files)];
  const files = listed.map(({ path, sizeBytes, sha256 }) => ({ path: resolve(path), sizeBytes, sha256 }));
  return { manifest, files: [...new Map(files.map((file) => [file.sha256, file])).values()], resolve };
}

/** Files that are fetched at once. */
const AT_ONCE = 3;

/** Opens every file, several at once; when one fails, those that still come stop too. Throws what `open` does. */
export async function openAll(
  files: readonly FileEntry[],
  open: (file: FileEntry, signal: AbortSignal) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const waiting = [...files];
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const openNext = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      either.throwIfAborted();
      await open(file, either);
    }
  };
  const opening = Array.from({ length: AT_ONCE }, openNext);
  try {
    await Promise.all(opening);
  } catch (error) {
    failed.abort();
    await Promise.allSettled(opening);
    throw error;
  }
}

/** Throws StudioError `weights-altered` unless the file has the promised hash. */
export async function verify(data: Blob, entry: FileEntry): Promise<void> {
  const actual = await sha256Of(data);
  if (actual !== entry.sha256) throw altered(entry, actual);
}

/** What comes before the folders of a whole address. */
const PLACE = /^[a-z]+:\/\/[^/]*\//;

/**
 * The address of a file called `path` beside another, without `.` and `..`, its other signs as they are: names of files are no addresses. Never
 * leaves the site that the other is on.
 */
export function beside(address: string, path: string): string {
  const [place = ''] = PLACE.exec(address) ?? [];
  const parts: string[] = [];
  for (const part of `${address.slice(place.length, address.lastIndexOf('/') + 1)}${path}`.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return `${place}${parts.join('/')}`;
}
