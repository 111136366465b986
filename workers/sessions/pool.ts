import { StudioError } from '../../src/protocol/errors.ts';
import type { Backend } from '../../src/protocol/events.ts';
import type { Graph } from '../../src/protocol/manifest.ts';
import type { OrtRuntime } from './runtime.ts';
import { createGraphSession, type GraphSession } from './session.ts';

/** Says that a graph moved from one backend to the next, and why. */
export type OnFallback = (graph: Graph, from: Backend, to: Backend, reason: string) => Promise<void>;

/**
 * Compiled graphs by content, least recently used first out once their weights pass `budgetBytes`. A graph that fails on the first
 * backend (its canary included) moves to the next of `backends` and stays there.
 */
export class SessionPool {
  readonly #runtime: OrtRuntime;
  readonly #backends: readonly Backend[];
  readonly #budgetBytes: number;
  readonly #shaderF16: boolean;
  /** Graphs that failed on the first backend, and where in the order each is now. */
  readonly #places = new Map<string, number>();
  /** Insertion order is use order. */
  readonly #sessions = new Map<string, GraphSession>();

  /** `shaderF16`: whether WebGPU here computes in half precision; graphs that do are not tried on it where it does not. */
  constructor(runtime: OrtRuntime, backends: readonly Backend[], budgetBytes: number, shaderF16 = true) {
    this.#runtime = runtime;
    this.#backends = backends;
    this.#budgetBytes = budgetBytes;
    this.#shaderF16 = shaderF16;
  }

  /** The session of a graph whose weights `read` gives when they are needed. Throws the last backend's error when all fail. */
  async session(graph: Graph, read: () => Promise<Uint8Array>, onFallback: OnFallback): Promise<GraphSession> {
    const key = keyOf(graph);
    const kept = this.#sessions.get(key);
    if (kept !== undefined) {
      this.#sessions.delete(key);
      this.#sessions.set(key, kept);
      return kept;
    }
    const model = await read();
    const session = await this.#create(graph, model, onFallback);
    this.#sessions.set(key, session);
    await this.#evict();
    return session;
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
    const place = this.#places.get(key) ?? 0;
    const [backend, next] = [this.#backends[place], this.#backends[place + 1]];
    if (backend === undefined || next === undefined) return false;
    this.#places.set(key, place + 1);
    const session = this.#sessions.get(key);
    this.#sessions.delete(key);
    await onFallback(graph, backend, next, reason);
    // the backend that failed may fail at this too
    await session?.dispose().catch(() => {});
    return true;
  }

  async #create(graph: Graph, model: Uint8Array, onFallback: OnFallback): Promise<GraphSession> {
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
        if (!(await this.moveOn(graph, reason, onFallback))) throw error;
      }
    }
  }

  async #evict(): Promise<void> {
    let bytes = [...this.#sessions.values()].reduce((sum, { graph }) => sum + weightBytes(graph), 0);
    for (const [key, session] of this.#sessions) {
      if (bytes <= this.#budgetBytes || this.#sessions.size === 1) return;
      bytes -= weightBytes(session.graph);
      this.#sessions.delete(key);
      await session.dispose();
    }
  }

  /** Frees every session. */
  async dispose(): Promise<void> {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(sessions.map((session) => session.dispose()));
  }
}

function keyOf(graph: Graph): string {
  return graph.files.map((file) => file.sha256).join();
}

function needsF16({ computeDtype, requires }: Graph): boolean {
  return computeDtype === 'float16' || requires.includes('shader-f16');
}

function weightBytes(graph: Graph): number {
  return graph.files.reduce((sum, file) => sum + file.sizeBytes, 0);
}
