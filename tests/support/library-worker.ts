import { StudioError } from '../../src/protocol/errors.ts';
import type { FileEntry } from '../../workers/model-store/bundle-files.ts';
import { Library } from '../../workers/model-store/library.ts';

/** What became of a file that was asked of a worker with a store of its own: a visit. */
export interface Opened {
  readonly bytes: readonly number[] | null;
  readonly code: string | null;
  readonly uncached: readonly string[];
}

/** `cutAt`: the site is asked to end the connection once so many bytes came; null for never. */
export interface Asked {
  readonly entry: FileEntry;
  readonly cutAt: number | null;
}

self.onmessage = async ({ data: { entry, cutAt } }: MessageEvent<Asked>): Promise<void> => {
  const uncached: string[] = [];
  const files = new Library(new URL('/models/', self.location.href), (cause) => uncached.push(String(cause)));
  let [bytes, code]: [readonly number[] | null, string | null] = [null, null];
  try {
    let come = 0;
    const onBytes = async (count: number): Promise<void> => {
      come += count;
      if (come === cutAt) await fetch('/cut');
    };
    const file = await files.open(entry, onBytes, new AbortController().signal);
    bytes = [...new Uint8Array(await file.arrayBuffer())];
  } catch (error) {
    code = error instanceof StudioError ? error.code : String(error);
  }
  self.postMessage({ bytes, code, uncached } satisfies Opened);
};
