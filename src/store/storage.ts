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

/** Why a value is not kept: the browser refuses, or another page of the studio has the storage. */
export type Refusal = { readonly why: 'refused'; readonly cause: unknown } | { readonly why: 'elsewhere' };

/** Storage in IndexedDB, one value a key. One page at a time has it: a second one keeps all in memory. */
export function createStorage(onRefusal: (refusal: Refusal) => void): Storage {
  const memory = new Map<string, unknown>();
  const database = createStore('rfsr-studio', 'session');
  const claimed = claim();

  async function stored<T>(read: () => Promise<T>, otherwise: T): Promise<T> {
    if (!(await claimed)) return otherwise;
    try {
      return await read();
    } catch (cause) {
      onRefusal({ why: 'refused', cause });
      return otherwise;
    }
  }

  return {
    get: async (key) => (memory.has(key) ? memory.get(key) : stored(() => get(key, database), undefined)),

    async put(key, value) {
      memory.set(key, value);
      if (!(await claimed)) onRefusal({ why: 'elsewhere' });
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

/** Whether this page has the storage, until it is closed. */
async function claim(): Promise<boolean> {
  try {
    return await new Promise((resolve, reject) => {
      const held = () => {
        resolve(true);
        return new Promise<never>(() => {});
      };
      navigator.locks.request('rfsr-studio-session', { signal: AbortSignal.timeout(CLAIM_MS) }, held).catch(reject);
    });
  } catch {
    return false;
  }
}
