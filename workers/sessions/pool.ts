import { StudioError } from '../../src/protocol/errors.ts';
import type { Backend } from '../../src/protocol/events.ts';
import type { Graph } from '../../src/protocol/manifest.ts';
import type { ModelFiles, OrtRuntime } from './runtime.ts';
import { createGraphSession, type GraphSession } from './session.ts';

/** Says that a graph moved from one backend to the next, and why. */
export type OnFallback = (graph: Graph, from: Backend, to: Backend, reason: string) => Promise<void>;

interface Pooled {
  readonly graph: Graph;
  readonly session: Promise<GraphSession>;
}

/**
 * Compiled graphs by content. Those that are pinned stay; of the others the least recently used go first, before another is compiled that would
 * pass `budgetBytes` with them. A graph that fails on the first backend (its canary included) moves to the next of `backends` and stays there.
 */
export class SessionPool {
  readonly #runtime: OrtRuntime;
  readonly #backends: readonly Backend[];
  #budgetBytes: number;
  readonly #shaderF16: boolean;
  /** Graphs that failed on the first backend, and where in the order each is now. */
  readonly #places = new Map<string, number>();
  /** Insertion order is use order; there from when its compilation begins. */
  readonly #sessions = new Map<string, Pooled>();
  /** How often each is pinned. */
  readonly #pins = new Map<string, number>();

  /** `shaderF16`: whether WebGPU here computes in half precision; graphs that do are not tried on it where it does not. */
  constructor(runtime: OrtRuntime, backends: readonly Backend[], budgetBytes: number, shaderF16 = true) {
    this.#runtime = runtime;
    this.#backends = backends;
    this.#budgetBytes = budgetBytes;
    this.#shaderF16 = shaderF16;
  }

  /**
   * Lets none of these go, compiled by now or later, until the function that is given back is called: what runs in turn must not evict each
   * other.
   */
  pin(graphs: readonly Graph[]): () => void {
    const keys = graphs.map(keyOf);
    for (const key of keys) this.#pins.set(key, (this.#pins.get(key) ?? 0) + 1);
    return () => {
      for (const key of keys.splice(0)) {
        const left = (this.#pins.get(key) ?? 0) - 1;
        if (left > 0) this.#pins.set(key, left);
        else this.#pins.delete(key);
      }
    };
  }

  /** Gives the pool another budget, and frees at once what passes it and is not pinned. */
  async allow(budgetBytes: number): Promise<void> {
    this.#budgetBytes = budgetBytes;
    await this.#makeRoom(null);
  }

  /** Frees what is compiled of these and not pinned. */
  async release(graphs: readonly Graph[]): Promise<void> {
    for (const key of graphs.map(keyOf)) if (!this.#pins.has(key)) await this.#drop(key);
  }

  /** The session of a graph whose files `read` gives when they are needed. Throws the last backend's error when all fail. */
  async session(graph: Graph, read: () => Promise<ModelFiles>, onFallback: OnFallback): Promise<GraphSession> {
    const key = keyOf(graph);
    const kept = this.#sessions.get(key);
    this.#sessions.delete(key);
    const pooled = kept ?? { graph, session: this.#prepare(graph, read, onFallback) };
    this.#sessions.set(key, pooled);
    try {
      return await pooled.session;
    } catch (error) {
      if (this.#sessions.get(key) === pooled) this.#sessions.delete(key);
      throw error;
    }
  }

  /** The backend a graph runs on, or will. Throws StudioError `backend-unavailable` where there is none. */
  backendOf(graph: Graph): Backend {
    const backend = this.#backends[this.#places.get(keyOf(graph)) ?? 0];
    if (backend === undefined) throw new StudioError('backend-unavailable', 'This device has no way to run the model.');
    return backend;
  }

  /** Sends a graph that fails on its backend to the next one, for good. False where there is none. */
  async moveOn(graph: Graph, reason: string, onFallback: OnFallback): Promise<boolean> {
    const key = keyOf(graph);
    const pooled = this.#sessions.get(key);
    if (!(await this.#moveOn(graph, reason, onFallback))) return false;
    this.#sessions.delete(key);
    // the backend that failed may fail at this too
    if (pooled !== undefined) await dispose(pooled).catch(() => {});
    return true;
  }

  async #moveOn(graph: Graph, reason: string, onFallback: OnFallback): Promise<boolean> {
    const key = keyOf(graph);
    const place = this.#places.get(key) ?? 0;
    const [backend, next] = [this.#backends[place], this.#backends[place + 1]];
    if (backend === undefined || next === undefined) return false;
    this.#places.set(key, place + 1);
    await onFallback(graph, backend, next, reason);
    return true;
  }

  async #prepare(graph: Graph, read: () => Promise<ModelFiles>, onFallback: OnFallback): Promise<GraphSession> {
    const model = await read();
    await this.#makeRoom(graph);
    for (;;) {
      const backend = this.backendOf(graph);
      try {
        if (backend === 'webgpu' && needsF16(graph) && !this.#shaderF16) {
          const message = `The model part “${graph.id}” computes in half precision, which this device’s WebGPU does not (shader-f16).`;
          throw new StudioError('graph-failed', message, { details: { graph: graph.id, backend } });
        }
        return await createGraphSession(this.#runtime, graph, model, backend);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (!(await this.#moveOn(graph, reason, onFallback))) throw error;
      }
    }
  }

  /** Frees what was not used for longest until a graph fits beside the rest; null for no other. */
  async #makeRoom(graph: Graph | null): Promise<void> {
    const others = [...this.#sessions].filter(([key]) => graph === null || key !== keyOf(graph));
    let bytes = others.reduce((sum, [, other]) => sum + other.graph.memory.loadedBytes, graph?.memory.loadedBytes ?? 0);
    for (const [key, other] of others) {
      if (bytes <= this.#budgetBytes) return;
      if (this.#pins.has(key)) continue;
      bytes -= other.graph.memory.loadedBytes;
      await this.#drop(key);
    }
  }

  async #drop(key: string): Promise<void> {
    const pooled = this.#sessions.get(key);
    this.#sessions.delete(key);
    if (pooled !== undefined) await dispose(pooled);
  }

  /** Frees every session. */
  async dispose(): Promise<void> {
    const pooled = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(pooled.map(dispose));
  }
}

/** Frees a session, once it is there; one that could not be made is none. */
async function dispose({ session }: Pooled): Promise<void> {
  const made = await session.catch(() => null);
  await made?.dispose();
}

function keyOf(graph: Graph): string {
  return graph.files.map((file) => file.sha256).join();
}

function needsF16({ computeDtype, requires }: Graph): boolean {
  return computeDtype === 'float16' || requires.includes('shader-f16');
}
