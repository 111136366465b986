import { arithmeticOf, free } from '../../src/core/arithmetic.ts';
import { canaryFault, ramp } from '../../src/core/canary.ts';
import { StudioError } from '../../src/protocol/errors.ts';
import type { Backend } from '../../src/protocol/events.ts';
import type { Graph, GraphPort } from '../../src/protocol/manifest.ts';
import { deviceLost } from './device-lost.ts';
import { type Feeds, type Fetches, fetched, type ModelFiles, type OrtRuntime, type Outputs, type RawSession } from './runtime.ts';

/** One graph of a bundle, compiled, checked against its canary, and fed only what its manifest declares. */
export interface GraphSession {
  readonly graph: Graph;
  readonly backend: Backend;
  /**
   * Throws TypeError for feeds that do not fit the manifest, StudioError `graph-failed`, `out-of-memory` or
   * `device-lost` when the backend fails, `output-invalid` when it gives what is no number.
   */
  run(feeds: Feeds): Promise<Fetches>;
  /** The same, its outputs left where the backend computes. */
  runInPlace(feeds: Feeds): Promise<Outputs>;
  /** Frees the compiled graph. Running afterwards throws; disposing twice is harmless. */
  dispose(): Promise<void>;
}

/** Compiles a graph. Throws StudioError `graph-failed` when the backend cannot, or computes other numbers than the canary's. */
export async function createGraphSession(runtime: OrtRuntime, graph: Graph, model: ModelFiles, backend: Backend): Promise<GraphSession> {
  const raw = await attempt(graph, backend, 'be prepared', () => runtime.create(model, backend, graph.session));
  let disposed = false;
  const session: GraphSession = {
    graph,
    backend,
    async run(feeds) {
      const outputs = await session.runInPlace(feeds);
      return attempt(graph, backend, 'run', () => fetched(outputs));
    },
    async runInPlace(feeds) {
      if (disposed) throw new TypeError(`expected a live session of ${graph.id}, got a disposed one`);
      checkFeeds(graph, feeds);
      const used = Object.fromEntries(graph.inputs.map(({ name }) => [name, feeds[name]]));
      return attempt(graph, backend, 'run', async () => {
        const outputs = await raw.run(used as Feeds);
        await checkFinite(graph, backend, outputs);
        return outputs;
      });
    },
    async dispose() {
      if (disposed) return;
      disposed = true;
      await raw.dispose();
    },
  };
  const fault = namesFault(graph, raw) ?? (await runCanary(session));
  if (fault !== null) {
    await session.dispose();
    throw new StudioError('graph-failed', `The model part “${graph.id}” computes wrong numbers on ${backend}: ${fault}.`, {
      details: { graph: graph.id, backend, fault },
    });
  }
  return session;
}

async function checkFinite(graph: Graph, backend: Backend, outputs: Outputs): Promise<void> {
  for (const [name, output] of Object.entries(outputs)) {
    if (await arithmeticOf(output).isFinite([output])) continue;
    Object.values(outputs).forEach(free);
    throw new StudioError('output-invalid', `The model part “${graph.id}” gave values that are no numbers on ${backend}.`, {
      details: { graph: graph.id, output: name, backend },
    });
  }
}

/** Feeds the canary's inputs; what is wrong with the outputs, or null. */
async function runCanary(session: GraphSession): Promise<string | null> {
  const { inputs, outputs, tolerance } = session.graph.canary;
  const feeds = Object.fromEntries(
    Object.entries(inputs).map(([name, { dims, fill }]) => {
      if (fill.kind === 'ramp') return [name, ramp(dims, fill.scale)];
      const port = session.graph.inputs.find((input) => input.name === name);
      const data = port?.dtype === 'int64' ? BigInt64Array.from(fill.values, BigInt) : Float32Array.from(fill.values);
      return [name, { dims, data }];
    }),
  ) as Feeds;
  const results = await session.run(feeds);
  for (const [name, expected] of Object.entries(outputs)) {
    const actual = results[name];
    const fault = actual === undefined ? 'no such output' : canaryFault(actual, expected, tolerance);
    if (fault !== null) return `${name}: ${fault}`;
  }
  return null;
}

function namesFault(graph: Graph, raw: RawSession): string | null {
  const missing = [
    ...raw.inputNames.filter((name) => !graph.inputs.some((port) => port.name === name)),
    ...graph.outputs.filter((port) => !raw.outputNames.includes(port.name)).map((port) => port.name),
  ];
  return missing.length === 0 ? null : `manifest and graph disagree about ${missing.join(', ')}`;
}

/** Throws TypeError unless every declared input is there with its dtype and dims, named dims equal wherever they recur. */
export function checkFeeds(graph: Graph, feeds: Feeds): void {
  const sizes = new Map<string, number>();
  for (const port of graph.inputs) {
    const feed = feeds[port.name];
    if (feed === undefined) throw new TypeError(`expected a feed for ${graph.id}.${port.name}, got none`);
    const dtype = 'data' in feed && feed.data instanceof BigInt64Array ? 'int64' : 'float32';
    if (dtype !== port.dtype) throw new TypeError(`expected ${port.dtype} for ${graph.id}.${port.name}, got ${dtype}`);
    const fits = feed.dims.length === port.dims.length && port.dims.every((dim, i) => fitsDim(dim, feed.dims[i] ?? 0, sizes));
    if (!fits) throw new TypeError(`expected [${port.dims.join(', ')}] for ${graph.id}.${port.name}, got [${feed.dims.join(', ')}]`);
  }
}

function fitsDim(dim: GraphPort['dims'][number], size: number, sizes: Map<string, number>): boolean {
  if (typeof dim === 'number') return dim === size;
  const [factor, name] = dim.includes('*') ? [Number(dim.split('*')[0]), dim.split('*')[1] ?? ''] : [1, dim];
  const known = sizes.get(name);
  if (known !== undefined) return known * factor === size;
  sizes.set(name, size / factor);
  return Number.isInteger(size / factor);
}

/** What backends say when the graphics device went away, in their own words. */
const DEVICE_LOST =
  /device (is|was|has been)? ?(lost|destroyed)|lost device|device_lost|A valid external Instance reference no longer exists/i;
const OUT_OF_MEMORY = /out of memory|bad_alloc|allocat/i;

async function attempt<T>(graph: Graph, backend: Backend, action: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof StudioError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    const details = { graph: graph.id, backend, reason: reason.slice(0, 500) };
    if (DEVICE_LOST.test(reason)) throw deviceLost(details, cause);
    if (OUT_OF_MEMORY.test(reason)) {
      const message = 'There is not enough memory for a picture of this size. A smaller scale or picture needs less.';
      throw new StudioError('out-of-memory', message, { details, cause });
    }
    throw new StudioError('graph-failed', `The model part “${graph.id}” could not ${action} on ${backend}.`, { details, cause });
  }
}
