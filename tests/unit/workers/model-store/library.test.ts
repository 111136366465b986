import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FileEntry } from '../../../../workers/model-store/bundle-files.ts';
import { Library } from '../../../../workers/model-store/library.ts';
import { MemoryFolder } from '../../../support/opfs.ts';

const PART = 1000;
const CONTENT = Uint8Array.from({ length: 5 * PART }, (_, i) => (i * 31) % 251);
const ENTRY: FileEntry = { path: 'x/denoiser.onnx', sizeBytes: CONTENT.length, sha256: createHash('sha256').update(CONTENT).digest('hex') };
const PAGE = new TextEncoder().encode('<!DOCTYPE html><title>Sign in</title>');
const NEVER = new AbortController().signal;

/** How the site answers one request for the file: what it sends of it, then how the connection ends. */
interface Answer {
  readonly content?: Uint8Array<ArrayBuffer>;
  readonly parts?: number;
  readonly end?: 'close' | 'break' | 'stay';
  readonly ranges?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
}

/** As long as the file should be, without end before. */
function padded(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const long = new Uint8Array(CONTENT.length).fill(32);
  long.set(bytes);
  return long;
}

let root: MemoryFolder;
let reasons: string[];
/** Requests so far, as the byte each begins with. */
let requests: number[];
let cancelled: number;

/** Answers requests in this order, the last for all that follow. */
function serve(...answers: readonly Answer[]): void {
  vi.stubGlobal(
    'fetch',
    async (_: URL, { headers = {}, signal }: { headers?: Record<string, string>; signal?: AbortSignal | null } = {}) => {
      const {
        content = CONTENT,
        parts = 5,
        end = 'close',
        ranges = true,
        headers: sent = {},
      } = answers[Math.min(requests.length, answers.length - 1)] ?? {};
      const from = ranges ? Number(/\d+/.exec(headers['range'] ?? '')?.[0] ?? 0) : 0;
      requests.push(Number(/\d+/.exec(headers['range'] ?? '')?.[0] ?? 0));
      let count = 0;
      const body = new ReadableStream<Uint8Array>({
        pull(stream) {
          const start = from + PART * count;
          if (count++ < parts && start < content.length) return stream.enqueue(content.slice(start, start + PART));
          if (end === 'close') return stream.close();
          if (end === 'break') return stream.error(new TypeError('network error'));
          if (signal?.aborted === true) return stream.error(signal.reason);
          return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
        },
        cancel: () => void cancelled++,
      });
      return new Response(body, { status: from > 0 ? 206 : 200, headers: sent });
    },
  );
}

function visit(): Library {
  return new Library(new URL('https://studio.test/models/'), (cause) =>
    reasons.push(cause instanceof Error ? cause.message : String(cause)),
  );
}

async function opened(files: Library, onBytes: (count: number) => void = () => {}, signal = NEVER): Promise<Uint8Array> {
  const file = await files.open(ENTRY, async (count) => onBytes(count), signal);
  return new Uint8Array(await file.arrayBuffer());
}

async function onDisk(): Promise<readonly string[]> {
  return (await root.getDirectoryHandle('model-files', { create: true })).names;
}

beforeEach(() => {
  root = new MemoryFolder();
  reasons = [];
  requests = [];
  cancelled = 0;
  vi.stubGlobal('navigator', { storage: { getDirectory: async () => root } });
  serve({});
});
afterEach(() => vi.unstubAllGlobals());

describe('a model file', () => {
  it('is fetched once, told as it comes, and is there on the next visit', async () => {
    const files = visit();
    expect(await files.has(ENTRY)).toBe(false);
    let told = 0;
    expect(await opened(files, (count) => (told += count))).toEqual(CONTENT);
    expect(told).toBe(CONTENT.length);
    expect(await opened(files)).toEqual(CONTENT);
    expect(await visit().has(ENTRY)).toBe(true);
    expect(await opened(visit(), () => expect.unreachable())).toEqual(CONTENT);
    expect(requests).toEqual([0]);
    expect(reasons).toEqual([]);
  });

  it('is fetched once a visit where the browser keeps nothing, and the reason is told', async () => {
    vi.stubGlobal('navigator', { storage: { getDirectory: () => Promise.reject(new DOMException('Not here.', 'SecurityError')) } });
    const files = visit();
    expect(await opened(files)).toEqual(CONTENT);
    expect(await files.has(ENTRY)).toBe(true);
    expect(await opened(files)).toEqual(CONTENT);
    expect(requests).toEqual([0]);
    expect(new Set(reasons)).toEqual(new Set(['Not here.']));
  });

  it('moves to memory where the disk becomes full on the way, fetched once', async () => {
    const files = visit();
    expect(await opened(files, () => (root.disk.full = true))).toEqual(CONTENT);
    expect(await opened(files)).toEqual(CONTENT);
    expect(requests).toEqual([0]);
    expect(reasons).toEqual(['The quota has been exceeded.']);
    expect(await onDisk()).toEqual([]);
  });

  it('that changed on disk is fetched anew', async () => {
    await opened(visit());
    const folder = await root.getDirectoryHandle('model-files');
    const writer = await (await folder.getFileHandle(ENTRY.sha256)).createWritable();
    await writer.write(new Blob([CONTENT.map((value) => value ^ 1)]));
    await writer.close();
    expect(await opened(visit())).toEqual(CONTENT);
    expect(requests).toEqual([0, 0]);
  });

  it('goes on where a lost connection broke it off, on another visit too', async () => {
    serve({ parts: 2, end: 'break' }, { parts: 2, end: 'break' }, {});
    await expect(opened(visit())).rejects.toMatchObject({ name: 'StudioError', code: 'network-failed' });
    const files = visit();
    expect(await files.has(ENTRY)).toBe(false);
    await expect(opened(files)).rejects.toMatchObject({ code: 'network-failed' });
    let told = 0;
    expect(await opened(files, (count) => (told += count))).toEqual(CONTENT);
    expect(requests).toEqual([0, 2 * PART, 4 * PART]);
    expect(told).toBe(CONTENT.length);
  });

  it('that ends too early goes on from there, and is refused where nothing more is there', async () => {
    serve({ parts: 2 }, { parts: 0 });
    const files = visit();
    const ended = { code: 'network-failed', message: expect.stringContaining('ended after 2.0 kB of 5.0 kB') };
    await expect(opened(files)).rejects.toMatchObject(ended);
    const less = { code: 'weights-altered', message: expect.stringContaining('has 2.0 kB where its manifest promises 5.0 kB') };
    await expect(opened(files)).rejects.toMatchObject(less);
    expect(requests).toEqual([0, 2 * PART]);
  });

  it('begins anew where the site gives no parts', async () => {
    serve({ parts: 2, end: 'break' }, { ranges: false });
    const files = visit();
    await expect(opened(files)).rejects.toMatchObject({ code: 'network-failed' });
    expect(await opened(files)).toEqual(CONTENT);
  });

  it.each([
    ['endless', new Uint8Array([...CONTENT, ...CONTENT]), {}, 1, 'weights-altered', 'does not end after the 5.0 kB'],
    ['longer', new Uint8Array([...CONTENT, 1]), { 'content-length': '5001' }, 1, 'weights-altered', 'has 5.0 kB where'],
    [
      'shorter',
      CONTENT.slice(0, 2 * PART),
      { 'content-length': '2000' },
      1,
      'weights-altered',
      'has 2.0 kB where its manifest promises 5.0 kB',
    ],
    ['altered', CONTENT.map((value) => value ^ 1), {}, 0, 'weights-altered', 'has another content'],
    ['a web page', PAGE, {}, 0, 'weights-missing', 'there is a web page on this site'],
    ['a web page of its size', padded(PAGE), {}, 1, 'weights-missing', 'there is a web page on this site'],
  ])(
    'that is %s is refused with its own sentence, nothing of it kept and no reply left open',
    async (_, content, headers, open, code, words) => {
      serve({ content, parts: 10, headers }, {});
      const files = visit();
      await expect(opened(files)).rejects.toMatchObject({ name: 'StudioError', code, message: expect.stringContaining(words) });
      expect(cancelled).toBe(open);
      expect(await onDisk()).toEqual([]);
      expect(await opened(files)).toEqual(CONTENT);
    },
  );

  it('that two want at once comes once; a cancel of the first is none of the second', async () => {
    const files = visit();
    await Promise.all([opened(files), opened(files)]);
    expect(requests).toEqual([0]);
    requests.length = 0;
    await files.files.remove([ENTRY.sha256]);
    serve({ parts: 2, end: 'stay' }, {});
    const abort = new AbortController();
    let second: Promise<Uint8Array> | null = null;
    const first = opened(
      files,
      () => {
        second ??= opened(files);
        abort.abort();
      },
      abort.signal,
    );
    await expect(first).rejects.toMatchObject({ name: 'AbortError' });
    expect(await second).toEqual(CONTENT);
  });
});

describe('a text', () => {
  it('is fetched once a visit, and again after it failed', async () => {
    const replies = [new Response('no', { status: 500 }), new Response('yes')];
    vi.stubGlobal('fetch', async () => replies.shift() ?? expect.unreachable());
    const files = visit();
    await expect(files.text('x/manifest.json')).rejects.toMatchObject({ code: 'weights-missing' });
    expect(await files.text('x/manifest.json')).toBe('yes');
    expect(await files.text('x/manifest.json')).toBe('yes');
  });
});
