import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createWorkerClient } from '../../../src/worker-client/worker-client.ts';

const RESULT_BYTES = 2 ** 20;
const CALLS = 200;

/** A worker that can be started, spoken to and killed. */
class StandIn extends EventTarget {
  terminated = false;
  postMessage(): void {}
  terminate(): void {
    this.terminated = true;
  }
}

function clientOf(workers: StandIn[]) {
  return createWorkerClient<object>(() => {
    const worker = new StandIn();
    workers.push(worker);
    return worker as unknown as Worker;
  });
}

/** Bytes of buffers that something still holds. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new TypeError('expected a garbage collector that can be asked');
  collect();
  return process.memoryUsage().arrayBuffers;
}

describe('calls to a worker', () => {
  it('leave nothing of their results behind, for as long as the worker lives', async () => {
    const client = clientOf([]);
    const call = async (): Promise<number> => (await client.call(async () => new Uint8Array(RESULT_BYTES))).length;
    await call();
    const before = heldBytes();
    for (let i = 0; i < CALLS; i++) expect(await call()).toBe(RESULT_BYTES);
    // what was collected is swept by another thread, when it comes to it
    await expect.poll(() => heldBytes() - before, { timeout: 30_000 }).toBeLessThan(5 * RESULT_BYTES);
  });

  it('all end with the worker, whose place another takes', async () => {
    const workers: StandIn[] = [];
    const client = clientOf(workers);
    const pending = [1, 2].map(() => client.call(() => new Promise<never>(() => {})));
    workers[0]?.dispatchEvent(new Event('error'));
    for (const call of pending) await expect(call).rejects.toMatchObject({ code: 'worker-died' });
    expect(workers[0]?.terminated).toBe(true);
    expect(await client.call(async () => 'again')).toBe('again');
    expect(workers).toHaveLength(2);
  });

  it('end with the worker’s failures as they were', async () => {
    const client = clientOf([]);
    const failed = client.call(() => Promise.reject({ kind: 'studio', error: { code: 'image-empty', message: 'None.', details: {} } }));
    await expect(failed).rejects.toMatchObject({ name: 'StudioError', code: 'image-empty' });
    await expect(client.call(() => Promise.reject({ kind: 'abort' }))).rejects.toMatchObject({ name: 'AbortError' });
  });
});
