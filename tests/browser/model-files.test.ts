import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { FileEntry } from '../../workers/model-store/bundle-files.ts';
import { launchChromium } from '../support/chromium.ts';
import type { Opened } from '../support/library-worker.ts';
import { scriptOf } from '../support/script-of.ts';

const CONTENT = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251);
const CUT_AT = 120_000;
const ENTRY: FileEntry = { path: 'x.onnx', sizeBytes: CONTENT.length, sha256: createHash('sha256').update(CONTENT).digest('hex') };

let browser: Browser;
let server: Server;
let url: string;
/** Ends the first connection, of which only a part was sent. */
let cut = (): void => {};
/** The byte each request for the file began with. */
const requests: number[] = [];

/** Opens the file in a worker of its own, as a new visit of the page does. */
async function visit(page: Page, cutAt: number | null = null): Promise<Opened> {
  await page.goto(url);
  return page.evaluate(
    (asked) =>
      new Promise<Opened>((resolve) => {
        const worker = new Worker('/worker.js', { type: 'module' });
        worker.onmessage = ({ data }: MessageEvent<Opened>) => resolve(data);
        worker.postMessage(asked);
      }),
    { entry: ENTRY, cutAt },
  );
}

beforeAll(async () => {
  const script = await scriptOf('library-worker.ts');
  server = createServer((request, response) => {
    if (request.url === '/worker.js') return response.setHeader('content-type', 'text/javascript').end(script);
    if (request.url === '/cut') {
      cut();
      return response.end();
    }
    if (request.url !== '/models/x.onnx') return response.setHeader('content-type', 'text/html').end('<title>visit</title>');
    const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
    requests.push(from);
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': CONTENT.length - from });
    if (requests.length > 1) return response.end(CONTENT.subarray(from));
    cut = () => response.destroy();
    return response.write(CONTENT.subarray(0, CUT_AT));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  browser = await launchChromium();
}, 240_000);

afterAll(async () => {
  await browser.close();
  server.close();
});

it('a model file goes on where its connection broke off, stays for the next visit and comes anew where it changed', async () => {
  const page = await browser.newPage();
  expect(await visit(page, CUT_AT)).toEqual({ bytes: null, code: 'network-failed', uncached: [] });
  const whole = { bytes: [...CONTENT], code: null, uncached: [] };
  expect(await visit(page)).toEqual(whole);
  expect(requests).toEqual([0, CUT_AT]);
  expect(await visit(page)).toEqual(whole);
  expect(requests).toHaveLength(2);
  await page.evaluate(async (name) => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('model-files');
    const writer = await (await folder.getFileHandle(name)).createWritable({ keepExistingData: true });
    await writer.write({ type: 'write', position: 7, data: new Uint8Array(3).fill(1) });
    await writer.close();
  }, ENTRY.sha256);
  expect(await visit(page)).toEqual(whole);
  expect(requests).toEqual([0, CUT_AT, 0]);
});
