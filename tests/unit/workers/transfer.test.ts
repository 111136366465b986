import { expect, it } from 'vitest';
import { FolderFiles } from '../../../cli/folder-files.ts';
import { nodeRuntime } from '../../../cli/ort.ts';
import { StudioError } from '../../../src/protocol/errors.ts';
import type { RunEvent } from '../../../src/protocol/events.ts';
import { Engine } from '../../../workers/engine.ts';
import { eventBuffers, toWireFailure, withWireFailures } from '../../../workers/transfer.ts';
import { NANO_MODELS, nanoRequest } from '../../support/nano.ts';

/** Every buffer that hangs on a value. */
function buffersIn(value: unknown): ArrayBufferLike[] {
  if (ArrayBuffer.isView(value)) return [value.buffer];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(buffersIn);
}

it('every picture that an event of a run carries is moved: its sender’s buffer is detached', async () => {
  const engine = new Engine(nodeRuntime, ['cpu'], new FolderFiles(NANO_MODELS));
  const moved: Record<string, number> = {};
  const hear = async (event: RunEvent): Promise<void> => {
    const buffers = buffersIn(event);
    const bytes = buffers.map(({ byteLength }) => byteLength);
    const arrived = structuredClone(event, { transfer: eventBuffers(event) });
    expect(buffers.map(({ byteLength }) => byteLength)).toEqual(buffers.map(() => 0));
    expect(buffersIn(arrived).map(({ byteLength }) => byteLength)).toEqual(bytes);
    moved[event.type] = (moved[event.type] ?? 0) + buffers.length;
  };
  const request = nanoRequest({ sampler: 'spaced-ddpm', startPoint: 'noise', steps: 2, depth: 16 });
  await engine.run([{ runId: 'r', bundleId: 'diffbir-nano' }], request, hear, new AbortController().signal);
  await engine.dispose();
  // what the model gave at first; prediction and bands of each step; rows in 8 bits and 16
  expect(moved).toMatchObject({ 'first-stage': 1, step: 6, rows: 2, done: 0 });
});

it('a failure crosses whole, a cancel as what it is, and anything else as a fault of the studio’s own', async () => {
  const known = new StudioError('network-failed', 'Lost.', { details: { path: 'x' } });
  expect(structuredClone(toWireFailure(known))).toEqual({ kind: 'studio', error: known.toData() });
  expect(toWireFailure(new DOMException('', 'AbortError'))).toEqual({ kind: 'abort' });
  const wrapped = withWireFailures({
    async fail(): Promise<void> {
      throw new TypeError('nothing of it');
    },
  });
  await expect(wrapped.fail()).rejects.toMatchObject({ kind: 'studio', error: { code: 'internal' } });
});
