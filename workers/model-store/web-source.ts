import { isAbort, StudioError } from '../../src/protocol/errors.ts';
import { parseIndex } from '../../src/protocol/manifest.ts';
import { beside, type FileEntry } from './bundle-files.ts';
import type { Body, BundleSource, DeclinedBundle, FoundBundle } from './bundle-source.ts';
import { lost, missing, otherSize, webPage } from './file-faults.ts';

/** Bundles on a web server: below `base`, with an index.json, or a single one with its manifest.json there. */
export class WebSource implements BundleSource {
  readonly #base: URL;

  /** `base`: the address of a folder, ending in a slash. */
  constructor(base: URL) {
    this.#base = base;
  }

  async find() {
    const found: FoundBundle[] = [];
    const declined: DeclinedBundle[] = [];
    const read = async (address: string): Promise<FoundBundle> => {
      return { name: address.split('/').at(-2) ?? address, address, text: await this.text(address) };
    };
    try {
      return { found: [await read(new URL('manifest.json', this.#base).href)], declined };
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
    const address = new URL('index.json', this.#base).href;
    const index = parseIndex(await this.text(address).catch((error: unknown) => throwNoBundle(error, this.#base)));
    declined.push(...index.declined);
    for (const { id, manifest } of index.bundles) {
      try {
        found.push(await read(beside(address, manifest)));
      } catch (error) {
        if (!(error instanceof StudioError)) throw error;
        declined.push({ id, reason: error.message });
      }
    }
    return { found, declined };
  }

  /** A small text file. Throws as `read`. */
  async text(path: string): Promise<string> {
    return (await this.#fetch(path, {})).text();
  }

  async read(file: FileEntry, fromByte: number, signal: AbortSignal): Promise<Body> {
    // a beginning that is on disk is gone on from; what comes is kept there, and not in a second copy
    const headers: HeadersInit = fromByte === 0 ? {} : { range: `bytes=${fromByte}-` };
    const response = await this.#fetch(file.path, { headers, signal, cache: 'no-store' }, file);
    if (response.body === null) throw lost(file.path);
    const begins = response.status === 206 ? (rangeStart(response) ?? fromByte) : 0;
    if (begins !== 0 && begins !== fromByte) {
      await response.body.cancel();
      throw lost(file.path, new TypeError(`expected the file from byte ${fromByte}, got it from byte ${begins}`));
    }
    return { fromByte: begins, stream: response.body, wholeBytes: wholeBytes(response, begins), where: whereAt(response) };
  }

  async #fetch(path: string, init: RequestInit, file: FileEntry | null = null): Promise<Response> {
    const url = new URL(path, this.#base);
    let response: Response;
    try {
      response = await fetch(url, { credentials: 'same-origin', referrerPolicy: 'no-referrer', ...init });
    } catch (cause) {
      throw isAbort(cause) ? cause : lost(path, cause);
    }
    const sound = response.ok && response.headers.get('content-type')?.includes('text/html') !== true;
    if (sound) return response;
    await response.body?.cancel();
    // there is nothing from that byte on
    if (response.status === 416 && file !== null) throw otherSize(file, totalOf(response) ?? 0);
    if (response.ok) throw webPage(path, whereAt(response, url));
    throw missing(path, whereAt(response, url), { status: response.status });
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof StudioError && error.code === 'weights-missing';
}

function throwNoBundle(error: unknown, { href }: URL): never {
  if (!isMissing(error)) throw error;
  const message = `There is no model at ${href}: expected manifest.json, or index.json for several, in that folder.`;
  throw new StudioError('weights-missing', message, { cause: error });
}

function whereAt(response: Response, asked = new URL(response.url === '' ? 'about:blank' : response.url)): string {
  return asked.origin === globalThis.location?.origin || asked.host === '' ? 'on this site' : `at ${asked.host}`;
}

const CONTENT_RANGE = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)/;

/** Other sites may hide where a part begins. */
function rangeStart(response: Response): number | null {
  const start = CONTENT_RANGE.exec(response.headers.get('content-range') ?? '')?.[1];
  return start === undefined ? null : Number(start);
}

function totalOf(response: Response): number | null {
  const total = Number(CONTENT_RANGE.exec(response.headers.get('content-range') ?? '')?.[2]);
  return Number.isInteger(total) ? total : null;
}

/** Nothing is known of what travels compressed. */
function wholeBytes(response: Response, fromByte: number): number | null {
  const length = response.headers.get('content-length');
  if (length === null || response.headers.has('content-encoding')) return totalOf(response);
  return fromByte + Number(length);
}
