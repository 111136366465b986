import { afterEach, describe, expect, it, vi } from 'vitest';
import { nodeRuntime } from '../../../../cli/ort.ts';
import type { Backend } from '../../../../src/protocol/events.ts';
import { inspectDevice } from '../../../../workers/sessions/device.ts';
import type { OrtRuntime } from '../../../../workers/sessions/runtime.ts';

/** ONNX Runtime in Node for every backend. */
const runtime: OrtRuntime = { ...nodeRuntime, create: (model) => nodeRuntime.create(model, 'cpu') };

const adapter = {
  info: { vendor: 'a card', architecture: '', description: '' },
  features: new Set<string>(),
  limits: { maxBufferSize: 2 ** 30, maxStorageBufferBindingSize: 2 ** 30 },
};

afterEach(() => vi.unstubAllGlobals());

describe('a device with a graphics card', () => {
  it.each<readonly [Backend | null, threads: number, chosen: Backend]>([
    [null, 4, 'webgpu'],
    ['wasm-threads', 4, 'wasm-threads'],
    // as the client asks once the card was lost twice, isolated or not
    ['wasm-threads', 1, 'wasm'],
    ['wasm', 1, 'wasm'],
  ])('that is asked for %s with %i threads runs on %s', async (override, threads, chosen) => {
    vi.stubGlobal('navigator', { gpu: { requestAdapter: async () => adapter } });
    expect((await inspectDevice(runtime, threads, override)).chosen).toBe(chosen);
  });
});
