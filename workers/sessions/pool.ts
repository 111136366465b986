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
  /** Insertion order is use order. */
  readonly #sessions = new Map<string, GraphSession>();

  constructor(runtime: OrtRuntime, backends: readonly Backend[], budgetBytes: number) {
    this.#runtime = runtime;
    this.#backends = backends;
    this.#budgetBytes = budgetBytes;
  }

  /** The session of a graph whose weights `read` gives when they are needed. Throws the last backend's error when all fail. */
  async session(graph: Graph, read: () => Promise<Uint8Array>, onFallback: OnFallback): Promise<GraphSession> {
    const key = graph.files.map((file) => file.sha256).join();
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

  async #create(graph: Graph, model: Uint8Array, onFallback: OnFallback): Promise<GraphSession> {
    for (const [index, backend] of this.#backends.entries()) {
      try {
        return await createGraphSession(this.#runtime, graph, model, backend);
      } catch (error) {
        const next = this.#backends[index + 1];
        if (next === undefined) throw error;
        await onFallback(graph, backend, next, error instanceof Error ? error.message : String(error));
      }
    }
    throw new StudioError('backend-unavailable', 'This device has no way to run the model.');
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

function weightBytes(graph: Graph): number {
  return graph.files.reduce((sum, file) => sum + file.sizeBytes, 0);
}
