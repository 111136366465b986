import { afterEach, describe, expect, it, vi } from 'vitest';
import { createStorage, type Refusal } from '../../../src/store/storage.ts';

type Locks = Pick<LockManager, 'request'>;

const FREE = { request: (_name: string, _options: object, held: () => Promise<never>) => held() } as unknown as Locks;
const HELD_ELSEWHERE = {
  request: async (_name: string, { signal }: LockOptions) => Promise.reject(signal?.reason),
} as unknown as Locks;
const DENIED = { request: () => Promise.reject(new DOMException('no', 'SecurityError')) } as unknown as Locks;

/** A page whose every use of the database ends in the error of that name. */
function browser(locks: Locks | undefined, errorName: string): void {
  vi.stubGlobal('navigator', { locks });
  const open = () => {
    throw new DOMException('made to fail', errorName);
  };
  vi.stubGlobal('indexedDB', { open });
}

/** What is told of two values that are put and asked for. */
async function told(): Promise<readonly Refusal['why'][]> {
  const refusals: Refusal['why'][] = [];
  const storage = createStorage(({ why }) => refusals.push(why));
  for (const key of ['a', 'b']) {
    expect(await storage.put(key, key)).toBe(false);
    expect(await storage.get(key)).toBe(key);
    await storage.keys();
  }
  return refusals;
}

describe('what the browser does not keep', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });

  it('for want of room is told once', async () => {
    browser(FREE, 'QuotaExceededError');
    expect(await told()).toEqual(['full']);
  });

  it.each([FREE, DENIED, undefined])('since the page may keep nothing is told once, whatever becomes of the lock', async (locks) => {
    browser(locks, 'SecurityError');
    expect(await told()).toEqual(['denied']);
  });

  it('since another page has the storage is told once', async () => {
    vi.spyOn(AbortSignal, 'timeout').mockReturnValue(AbortSignal.abort());
    browser(HELD_ELSEWHERE, 'SecurityError');
    expect(await told()).toEqual(['elsewhere']);
  });
});
