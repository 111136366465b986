import { describe, expect, it } from 'vitest';
import { deviceFacts, factsText } from '../../../src/store/device-facts.ts';
import { INITIAL_STATE, type StudioState } from '../../../src/store/state.ts';

const AROUND = { browser: 'A browser 1.0', isolated: true, cores: 8 };
const STATE: StudioState = {
  ...INITIAL_STATE,
  device: {
    chosen: 'wasm-threads',
    reason: 'The GPU is a software one.',
    candidates: [
      { backend: 'webgpu', usable: false, probeMs: null, macsPerSecond: null, reason: 'software adapter' },
      { backend: 'wasm-threads', usable: true, probeMs: 3.25, macsPerSecond: 4.2e9, reason: 'measured' },
    ],
    threads: 4,
    shaderF16: false,
    memory: { totalBytes: 8 * 2 ** 30, programBytes: 0, heapBytes: 4 * 2 ** 30, bindingBytes: null },
  },
};

describe('the facts of a device', () => {
  it('say what was chosen and why, what was probed, what bounds a run, and versions', () => {
    const text = factsText(deviceFacts(STATE, AROUND));
    for (const line of [
      'Chosen: WASM, threads',
      'Why: The GPU is a software one.',
      'WebGPU: not used (software adapter)',
      'WASM, threads: 3.3 ms for a small test, 4.2 billion multiplications a second (measured)',
      'Memory: 8.0 GiB',
      'Held before a run: cannot be asked',
      'Threads: 4 of 8 cores',
      'Seconds: none yet',
      'Browser: A browser 1.0',
    ]) {
      expect(text).toContain(line);
    }
    expect(text).toMatch(/Studio: \d+\.\d+/);
    expect(text).toMatch(/onnxruntime-web: \S*\d/);
  });

  it('are the versions alone before it was inspected', () => {
    expect(deviceFacts(INITIAL_STATE, AROUND).map(({ title }) => title)).toEqual(['Versions']);
  });
});
