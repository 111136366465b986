import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { nodeRuntime } from '../../../../cli/ort.ts';
import { ramp } from '../../../../src/core/canary.ts';
import { StudioError } from '../../../../src/protocol/errors.ts';
import type { Graph } from '../../../../src/protocol/manifest.ts';
import { SessionPool } from '../../../../workers/sessions/pool.ts';
import { fetched, type ModelFiles, type OrtRuntime } from '../../../../workers/sessions/runtime.ts';
import { createGraphSession } from '../../../../workers/sessions/session.ts';
import { NANO_ID, NANO_MODELS, nanoManifest } from '../../../support/nano.ts';

const [decoder] = nanoManifest().graphs.vaeDecoder;
const [encoder] = nanoManifest().graphs.vaeEncoder;
if (decoder === undefined || encoder === undefined) throw new Error('expected VAE graphs in the nano bundle');

function modelOf(graph: Graph): ModelFiles {
  return { graph: new Blob([readFileSync(`${NANO_MODELS}/${NANO_ID}/${graph.files[0]?.path}`)]), externalData: [] };
}

function withWrongCanary(graph: Graph): Graph {
  const [name, output] = Object.entries(graph.canary.outputs)[0] ?? [];
  if (name === undefined || output === undefined) throw new Error('expected a canary');
  return { ...graph, canary: { ...graph.canary, outputs: { [name]: { ...output, mean: output.mean + output.std } } } };
}

const channels = nanoManifest().latent.channels;
const latent = ramp([1, channels, 4, 8], 1);

/** y = (x + a) · b with a and b of four numbers each, in files of their own: an ONNX file (opset 20) in base64. */
const SHARDED_BASE64 = [
  'CAk62QEKDgoBeAoBYRIBdCIDQWRkCg4KAXQKAWISAXkiA011bBIHc2hhcmRlZCpACAQQAUIBYWoaCghsb2NhdGlvbhIOd2VpZ2h0cy0wLmRhdGFqCwoGb2Zmc2V0EgEw',
  'agwKBmxlbmd0aBICMTZwASpACAQQAUIBYmoaCghsb2NhdGlvbhIOd2VpZ2h0cy0xLmRhdGFqCwoGb2Zmc2V0EgEwagwKBmxlbmd0aBICMTZwAVoUCgF4Eg8KDQgBEgkK',
  'AxIBQgoCCARiFAoBeRIPCg0IARIJCgMSAUIKAggEQgQKABAU',
].join('');

it('a graph whose weights are in files beside it runs on them', async () => {
  const graph = new Blob([Buffer.from(SHARDED_BASE64, 'base64')]);
  const weights = [Float32Array.of(1, 2, 3, 4), Float32Array.of(10, 10, 10, -1)];
  const externalData = weights.map((values, i) => ({ path: `weights-${i}.data`, data: new Blob([values]) }));
  const session = await nodeRuntime.create({ graph, externalData }, 'cpu', { memoryArena: false, memoryPattern: false, prepacking: false });
  const { y } = await fetched(await session.run({ x: { dims: [1, 4], data: Float32Array.of(0, 1, 2, 3) } }));
  expect([...(y?.data ?? [])]).toEqual([10, 30, 50, -7]);
  await session.dispose();
});

describe('createGraphSession', () => {
  it('asks for what the manifest says of its memory', async () => {
    const asked: unknown[] = [];
    const runtime: OrtRuntime = {
      create: (model, backend, options) => {
        asked.push(options);
        return nodeRuntime.create(model, backend, options);
      },
    };
    const options = { memoryArena: false, memoryPattern: true, prepacking: false };
    for (const graph of [decoder, { ...decoder, session: options }]) {
      await (await createGraphSession(runtime, graph, modelOf(decoder), 'cpu')).dispose();
    }
    expect(asked).toEqual([undefined, options]);
  });

  it('runs a graph whose canary is right', async () => {
    const session = await createGraphSession(nodeRuntime, decoder, modelOf(decoder), 'cpu');
    const { rgbPm1 } = await session.run({ latent });
    expect(rgbPm1?.dims).toEqual([1, 3, 32, 64]);
    await session.dispose();
  });

  it('refuses a graph that computes other numbers than its canary', async () => {
    await expect(createGraphSession(nodeRuntime, withWrongCanary(decoder), modelOf(decoder), 'cpu')).rejects.toMatchObject({
      code: 'graph-failed',
    });
  });

  it('refuses bytes that are no graph', async () => {
    await expect(
      createGraphSession(nodeRuntime, decoder, { graph: new Blob([new Uint8Array(16)]), externalData: [] }, 'cpu'),
    ).rejects.toBeInstanceOf(StudioError);
  });

  it('checks feeds against the manifest: missing, wrong dtype, wrong dims, dims that disagree', async () => {
    const session = await createGraphSession(nodeRuntime, decoder, modelOf(decoder), 'cpu');
    const ids = { dims: latent.dims, data: new BigInt64Array(latent.data.length) };
    await expect(session.run({})).rejects.toThrow(/got none/);
    await expect(session.run({ latent: ids })).rejects.toThrow(/expected float32/);
    await expect(session.run({ latent: ramp([1, channels + 1, 4, 4], 1) })).rejects.toThrow(/expected \[B/);
    await session.dispose();
    const encoding = await createGraphSession(nodeRuntime, encoder, modelOf(encoder), 'cpu');
    await expect(encoding.run({ rgbPm1: ramp([1, 3, 36, 64], 1) })).rejects.toThrow(/8\*h/);
    await encoding.dispose();
  });

  it('cannot run after it was disposed, and may be disposed twice', async () => {
    const session = await createGraphSession(nodeRuntime, decoder, modelOf(decoder), 'cpu');
    await session.dispose();
    await session.dispose();
    await expect(session.run({ latent })).rejects.toThrow(/disposed/);
  });
});

describe('SessionPool', () => {
  /** Counts live sessions; the backend `wasm` stands for one that computes zeros. */
  function countingRuntime(): { runtime: OrtRuntime; live: () => number } {
    let live = 0;
    const runtime: OrtRuntime = {
      async create(model, backend) {
        const session = await nodeRuntime.create(model, 'cpu');
        live++;
        const run: typeof session.run =
          backend === 'wasm'
            ? async (feeds) =>
                Object.fromEntries(
                  Object.entries(await fetched(await session.run(feeds))).map(([name, out]) => [
                    name,
                    { ...out, data: new Float32Array(out.data.length) },
                  ]),
                )
            : session.run;
        return {
          ...session,
          run,
          dispose: async () => {
            live--;
            await session.dispose();
          },
        };
      },
    };
    return { runtime, live: () => live };
  }

  const noFallback = async () => expect.unreachable();

  it('compiles a graph once', async () => {
    const { runtime, live } = countingRuntime();
    const pool = new SessionPool(runtime, ['cpu'], 2 ** 30);
    const first = await pool.session(decoder, async () => modelOf(decoder), noFallback);
    const second = await pool.session(decoder, async () => expect.unreachable(), noFallback);
    expect(second).toBe(first);
    await pool.dispose();
    expect(live()).toBe(0);
  });

  it('compiles once a graph that two ask for at once', async () => {
    const { runtime, live } = countingRuntime();
    const pool = new SessionPool(runtime, ['cpu'], 2 ** 30);
    const ask = () => pool.session(decoder, async () => modelOf(decoder), noFallback);
    const [first, second] = await Promise.all([ask(), ask()]);
    expect(second).toBe(first);
    expect(live()).toBe(1);
    await pool.dispose();
    expect(live()).toBe(0);
  });

  it('compiles again what could not be compiled', async () => {
    const { runtime } = countingRuntime();
    const pool = new SessionPool(runtime, ['cpu'], 2 ** 30);
    const lost = pool.session(decoder, () => Promise.reject(new StudioError('network-failed', 'Lost.')), noFallback);
    await expect(lost).rejects.toMatchObject({ code: 'network-failed' });
    expect((await pool.session(decoder, async () => modelOf(decoder), noFallback)).backend).toBe('cpu');
    await pool.dispose();
  });

  it('lets nothing go that is pinned, beyond its budget too, until it is let loose', async () => {
    const { runtime, live } = countingRuntime();
    const pool = new SessionPool(runtime, ['cpu'], 1);
    const unpin = pool.pin([decoder, encoder]);
    const first = await pool.session(decoder, async () => modelOf(decoder), noFallback);
    await pool.session(encoder, async () => modelOf(encoder), noFallback);
    expect(await pool.session(decoder, async () => expect.unreachable(), noFallback)).toBe(first);
    expect(live()).toBe(2);
    unpin();
    unpin();
    const [tagger] = nanoManifest().graphs.tagger;
    if (tagger === undefined) throw new Error('expected a tagger');
    await pool.session(tagger, async () => modelOf(tagger), noFallback);
    expect(live()).toBe(1);
    await pool.dispose();
  });

  it('drops the least recently used graph beyond its budget', async () => {
    const { runtime, live } = countingRuntime();
    const pool = new SessionPool(runtime, ['cpu'], 1);
    await pool.session(decoder, async () => modelOf(decoder), noFallback);
    await pool.session(encoder, async () => modelOf(encoder), noFallback);
    expect(live()).toBe(1);
    await pool.dispose();
  });

  it.each([
    [{ computeDtype: 'float16' as const }, false, 'cpu'],
    [{ requires: ['shader-f16'] }, false, 'cpu'],
    [{ computeDtype: 'float16' as const }, true, 'webgpu'],
    [{}, false, 'webgpu'],
  ])('of a graph that has %j, where WebGPU has shader-f16: %s, makes a session on %s', async (changes, shaderF16, expected) => {
    const { runtime } = countingRuntime();
    const pool = new SessionPool(runtime, ['webgpu', 'cpu'], 2 ** 30, shaderF16);
    const reasons: string[] = [];
    const graph = { ...decoder, ...changes };
    const session = await pool.session(
      graph,
      async () => modelOf(decoder),
      async (_, __, ___, reason) => void reasons.push(reason),
    );
    expect(session.backend).toBe(expected);
    expect(reasons).toEqual(expected === 'cpu' ? [expect.stringMatching(/half precision, which this device’s WebGPU does not/)] : []);
    await pool.dispose();
  });

  it('moves a graph that fails its canary to the next backend, and says so', async () => {
    const { runtime, live } = countingRuntime();
    const pool = new SessionPool(runtime, ['wasm', 'cpu'], 2 ** 30);
    const moves: string[] = [];
    const session = await pool.session(
      decoder,
      async () => modelOf(decoder),
      async (graph, from, to, reason) => void moves.push(`${graph.id} ${from} ${to} ${reason}`),
    );
    expect(session.backend).toBe('cpu');
    expect(moves).toHaveLength(1);
    expect(moves[0]).toMatch(/vaeDecoder wasm cpu .*wrong numbers/);
    expect(live()).toBe(1);
    await pool.dispose();
  });
});
