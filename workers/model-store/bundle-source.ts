import type { FileEntry } from './bundle-files.ts';

/** What comes of a file. */
export interface Body {
  /** The byte it begins with: the one asked for, or 0 where the place gives no parts. */
  readonly fromByte: number;
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Of all of the file there; null where the place does not say. */
  readonly wholeBytes: number | null;
  /** Where it is, to go on after “is missing”. */
  readonly where: string;
}

/** A bundle as it was found: not yet parsed. */
export interface FoundBundle {
  /** The folder's name, for a bundle that says no better. */
  readonly name: string;
  /** The address of its manifest. */
  readonly address: string;
  readonly text: string;
}

/** A bundle that cannot be used: which field or file is wrong and what would be right. */
export interface DeclinedBundle {
  readonly id: string;
  readonly reason: string;
}

/** A place that bundles come from: the site the studio is served by, another one, or files that a person gave. */
export interface BundleSource {
  /** Every bundle there, failures apart: one that cannot be read keeps none of the others away. Throws StudioError where there is none at all. */
  find(): Promise<{ readonly found: readonly FoundBundle[]; readonly declined: readonly DeclinedBundle[] }>;
  /** A file from a byte on. Throws StudioError `weights-missing` or `network-failed`; AbortError after a cancel. */
  read(file: FileEntry, fromByte: number, signal: AbortSignal): Promise<Body>;
}
