import { describe, expect, it } from 'vitest';
import { StudioError } from '../../../src/protocol/errors.ts';
import { type Network, named, persistently, WAITS_MS } from '../../../src/worker-client/network.ts';

const LOST = (): StudioError => new StudioError('network-failed', 'The file “a” could not be loaded.');

/** A network that is told what it is; it never waits, and remembers for how long it was asked to. */
function networkOf(online: boolean) {
  const waits: (number | null)[] = [];
  const state = { online };
  const network: Network = {
    isOnline: () => state.online,
    async wait(ms, signal) {
      signal.throwIfAborted();
      waits.push(ms);
      if (ms === null) state.online = true;
    },
  };
  return { network, waits, state };
}

/** Work that fails so often before it succeeds. */
function failing(times: number, failure: () => unknown = LOST) {
  return async (attempt: number): Promise<number> => {
    if (attempt < times) throw failure();
    return attempt;
  };
}

describe('work over the network', () => {
  const never = new AbortController().signal;

  it('is tried again after each wait, and told why', async () => {
    const { network, waits } = networkOf(true);
    const told: unknown[] = [];
    const got = await persistently(failing(2), network, never, ({ message }, ms) => told.push([message, ms]));
    expect(got).toBe(2);
    expect(waits).toEqual(WAITS_MS.slice(0, 2));
    expect(told).toEqual(WAITS_MS.slice(0, 2).map((ms) => [expect.stringMatching(/^The site does not answer\. .*“a”/), ms]));
  });

  it('fails in the end, its cause named', async () => {
    const { network, waits } = networkOf(true);
    const failed = persistently(failing(99), network, never, () => {});
    await expect(failed).rejects.toMatchObject({ code: 'network-failed', message: expect.stringContaining('does not answer') as string });
    expect(waits).toEqual([...WAITS_MS]);
  });

  it('waits for as long as the device is offline, without using up its tries', async () => {
    const { network, waits, state } = networkOf(false);
    const told: string[] = [];
    const work = async (attempt: number): Promise<number> => {
      if (attempt === 0 || attempt === 2) throw LOST();
      if (attempt === 1) {
        state.online = false;
        throw LOST();
      }
      return attempt;
    };
    expect(await persistently(work, network, never, ({ message }) => told.push(message))).toBe(3);
    expect(waits).toEqual([null, null, WAITS_MS[0]]);
    expect(told[0]).toContain('offline');
  });

  it('is given up when it is cancelled, and where it fails for another reason', async () => {
    const cancelled = new AbortController();
    cancelled.abort();
    await expect(persistently(failing(1), networkOf(true).network, cancelled.signal, () => {})).rejects.toMatchObject({
      name: 'AbortError',
    });
    const other = failing(1, () => new StudioError('weights-missing', 'Gone.'));
    await expect(persistently(other, networkOf(true).network, never, () => {})).rejects.toMatchObject({ code: 'weights-missing' });
    expect(named('else', networkOf(true).network)).toBe('else');
  });
});
