import { DEFAULT_SAVE_OPTIONS, type SaveOptions, saveOptions } from '../protocol/picture-file.ts';
import { readLocal, writeLocal } from './local-values.ts';

const STORAGE_KEY = 'save-options';

/** How results were saved last, in this browser. */
export function storedSaveOptions(): SaveOptions {
  try {
    const stored: unknown = JSON.parse(readLocal(STORAGE_KEY) ?? 'null');
    return saveOptions(stored, '', (path, expected) => {
      throw new TypeError(`expected ${expected} at ${path}`);
    });
  } catch {
    // nothing stored, or by another version
    return DEFAULT_SAVE_OPTIONS;
  }
}

export function storeSaveOptions(options: SaveOptions): void {
  writeLocal(STORAGE_KEY, JSON.stringify(options));
}
