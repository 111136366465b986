import { createStore, delMany, get, keys, set } from 'idb-keyval';

/** Values by key that outlive the page: pictures, results, and the list of them. */
export interface Storage {
  /** What is under a key, as this page or one before it left it. */
  get(key: string): Promise<unknown>;
  /** Whether the browser keeps a value. Never rejects: what it does not keep stays in memory, for as long as the page is open. */
  put(key: string, value: unknown): Promise<boolean>;
  keys(): Promise<ReadonlySet<string>>;
  /** Removes everything whose key is not wanted. */
  retain(wanted: ReadonlySet<string>): Promise<void>;
}

/** Another page of the studio may hold the storage while it closes; one that is open holds it for good. */
const CLAIM_MS = 1000;

/** Why values are not kept: there is no room, the browser keeps nothing for the page, or another page of the studio has the storage. */
export interface Refusal {
  readonly why: 'full' | 'denied' | 'elsewhere';
  readonly cause?: unknown;
}

/** Storage in IndexedDB, one value a key. One page at a time has it: a second one keeps all in memory. A refusal is told once of each kind. */
export function createStorage(onRefusal: (refusal: Refusal) => void): Storage {
  const memory = new Map<string, unknown>();
  const database = createStore('rfsr-studio', 'session');
  const elsewhere = heldElsewhere();
  const told = new Set<Refusal['why']>();

  function refuse(refusal: Refusal): void {
    if (told.has(refusal.why)) return;
    told.add(refusal.why);
    onRefusal(refusal);
  }

  async function stored<T>(read: () => Promise<T>, otherwise: T): Promise<T> {
    if (await elsewhere) return otherwise;
    try {
      return await read();
    } catch (cause) {
      refuse({ why: cause instanceof Error && cause.name === 'QuotaExceededError' ? 'full' : 'denied', cause });
      return otherwise;
    }
  }

  return {
    get: async (key) => (memory.has(key) ? memory.get(key) : stored(() => get(key, database), undefined)),

    async put(key, value) {
      memory.set(key, value);
      if (await elsewhere) refuse({ why: 'elsewhere' });
      return stored(async () => {
        await set(key, value, database);
        // another value may have come meanwhile
        if (memory.get(key) === value) memory.delete(key);
        return true;
      }, false);
    },

    keys: async () => new Set([...memory.keys(), ...(await stored(() => keys<string>(database), []))]),

    async retain(wanted) {
      for (const key of memory.keys()) if (!wanted.has(key)) memory.delete(key);
      await stored(async () => {
        const needless = (await keys<string>(database)).filter((key) => !wanted.has(key));
        if (needless.length > 0) await delMany(needless, database);
      }, undefined);
    },
  };
}

/** Whether another page of the studio has the storage; if not, this one has it until it is closed. */
async function heldElsewhere(): Promise<boolean> {
  const signal = AbortSignal.timeout(CLAIM_MS);
  try {
    return await new Promise((resolve, reject) => {
      const held = () => {
        resolve(false);
        return new Promise<never>(() => {});
      };
      navigator.locks.request('rfsr-studio-session', { signal }, held).catch(reject);
    });
  } catch {
    // where there are no locks, or none for this page, nobody else is known to have it
    return signal.aborted;
  }
}
