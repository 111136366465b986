import type { Page, Worker } from 'playwright';
import type { RunEvent } from '../../src/protocol/events.ts';

/** Bytes that crossed between processor and graphics device, one number a crossing. */
export interface Traffic {
  /** Written to the queue, or to buffers that were mapped to be written. */
  readonly up: readonly number[];
  /** Of buffers that were mapped to be read. */
  readonly down: readonly number[];
}

/** Counts in front of the worker's own script: what crosses until a step is told is that step's. */
const HOOK = `{
  const steps = self.traffic = [{ up: [], down: [] }];
  const count = (way, bytes) => steps.at(-1)[way].push(bytes);
  const { writeBuffer } = GPUQueue.prototype;
  GPUQueue.prototype.writeBuffer = function (buffer, at, data, ...range) {
    const unit = data.BYTES_PER_ELEMENT ?? 1;
    count('up', range[1] === undefined ? data.byteLength - unit * (range[0] ?? 0) : unit * range[1]);
    return writeBuffer.call(this, buffer, at, data, ...range);
  };
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    if (descriptor.mappedAtCreation) count('up', descriptor.size);
    return createBuffer.call(this, descriptor);
  };
  const { mapAsync } = GPUBuffer.prototype;
  GPUBuffer.prototype.mapAsync = function (mode, ...range) {
    count(mode === GPUMapMode.READ ? 'down' : 'up', range[1] ?? this.size);
    return mapAsync.call(this, mode, ...range);
  };
  const { postMessage } = MessagePort.prototype;
  MessagePort.prototype.postMessage = function (message, ...rest) {
    const event = message?.argumentList?.[0]?.value;
    if (event?.type === 'step') steps.push({ up: [], down: [] });
    if (event?.type === 'done') self.done = event;
    return postMessage.call(this, message, ...rest);
  };
}\n`;

/** Lets the studio's worker count; to be called before the page is loaded. */
export async function countTraffic(page: Page): Promise<void> {
  await page.route('**/studio.worker-*.js', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: HOOK + (await response.text()) });
  });
}

/** What crossed in each step so far, the first with all before it; what comes after the last step is last. */
export function trafficOf(page: Page): Promise<readonly Traffic[]> {
  return studioWorker(page).evaluate(() => (self as unknown as { readonly traffic: Traffic[] }).traffic);
}

/** What the worker said at the end of the last run, of its times. */
export function timesOf(page: Page): Promise<Pick<Extract<RunEvent, { type: 'done' }>, 'timings' | 'graphSeconds'>> {
  return studioWorker(page).evaluate(() => {
    const { timings, graphSeconds } = (self as unknown as { readonly done: Extract<RunEvent, { type: 'done' }> }).done;
    return { timings, graphSeconds };
  });
}

function studioWorker(page: Page): Worker {
  const worker = page.workers().find((candidate) => candidate.url().includes('studio'));
  if (worker === undefined) throw new Error('expected a studio worker');
  return worker;
}
