import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FolderFiles } from '../../../cli/folder-files.ts';
import { nodeRuntime } from '../../../cli/ort.ts';
import type { Backend, RunEvent } from '../../../src/protocol/events.ts';
import type { Image8, RestoreRequest } from '../../../src/protocol/request.ts';
import { type CheckpointStore, Engine, type RunControl } from '../../../workers/engine.ts';
import type { BundleFiles } from '../../../workers/model-store/bundle-files.ts';
import type { Checkpoint, CheckpointStep } from '../../../workers/pipelines/context.ts';
import { type Feeds, fetched, type OrtRuntime, type RawSession } from '../../../workers/sessions/runtime.ts';
import { maxDifference } from '../../support/golden.ts';
import { eventOf, gradient, NANO_ID, NANO_MODELS, NANO_RFSR_ID, nanoManifest, nanoRequest, resultOf } from '../../support/nano.ts';

const CANARY_CELLS = Math.max(...Object.values(nanoManifest().graphs.denoiser[0]?.canary.inputs ?? {}).map(({ dims }) => dims[3] ?? 0));

/** ONNX Runtime in Node whose every call may be broken: `onRun` may throw, or change what came out. */
function faulty(
  onRun: (backend: Backend, feeds: Feeds, session: RawSession) => Promise<Awaited<ReturnType<RawSession['run']>>>,
): OrtRuntime {
  return {
    async create(model, backend) {
      const session = await nodeRuntime.create(model, 'cpu');
      return { ...session, run: (feeds) => onRun(backend, feeds, session), dispose: () => session.dispose() };
    },
  };
}

/** Whether a call is the denoiser's, and on a picture rather than the canary's. */
function denoises(feeds: Feeds): boolean {
  return 'sample' in feeds && (feeds['sample']?.dims[3] ?? 0) > CANARY_CELLS;
}

const request = nanoRequest({ image: gradient(72, 80), guidance: 1, preview: 'none' });
/** Of 72 × 72 cells: more than a part of a graph that sees only so far. */
const large = { ...request, image: gradient(144, 144), steps: 2 };

async function run(
  engine: Engine,
  asked: RestoreRequest,
  {
    onEvent = () => {},
    control = {},
    signal = new AbortController().signal,
    ids = [NANO_ID],
  }: {
    readonly onEvent?: (event: RunEvent) => void;
    readonly control?: RunControl;
    readonly signal?: AbortSignal;
    readonly ids?: readonly string[];
  } = {},
): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const send = async (event: RunEvent): Promise<void> => {
    events.push(event);
    onEvent(event);
  };
  await engine.run(
    ids.map((bundleId) => ({ runId: bundleId, bundleId })),
    asked,
    send,
    signal,
    control,
  );
  return events;
}

/** The largest difference of two pictures, in levels; not a number when one is missing. */
function levels(a: Image8 | undefined, b: Image8 | undefined): number {
  return maxDifference(a?.rgba8 ?? [], b?.rgba8 ?? [0]);
}

const files = new FolderFiles(NANO_MODELS);
const sound = new Engine(nodeRuntime, ['cpu'], files);

describe('when memory does not suffice', () => {
  it('tiles become smaller, step by step, and the person is told', async () => {
    const engine = new Engine(
      faulty(async (_, feeds, session) => {
        if (denoises(feeds) && (feeds['sample']?.dims[2] ?? 0) > 32) throw new Error('std::bad_alloc');
        return session.run(feeds);
      }),
      ['cpu'],
      files,
    );
    const events = await run(engine, large);
    const told = events.flatMap((event) =>
      event.type === 'notice' ? [[event.code, /tiles of (\d+) pixels/.exec(event.message)?.[1]]] : [],
    );
    expect(told).toEqual([
      ['out-of-memory', '512'],
      ['out-of-memory', '256'],
    ]);
    expect(events.some((event) => event.type === 'tile' && event.role === 'denoiser' && event.count > 1)).toBe(true);
    // the recipe makes the same picture again
    const { tileCells } = eventOf(events, 'done').recipe;
    expect(tileCells).toBe(32);
    expect(levels(resultOf(events), resultOf(await run(sound, { ...large, tileCells })))).toBe(0);
    await engine.dispose();
  });

  /** An engine on which a feed of so many cells, at so many pixels each, is too large. */
  const tooSmallFor = (feed: string, cells: number, pixels: number): Engine =>
    new Engine(
      faulty(async (_, feeds, session) => {
        const [, , height = 0, width = 0] = feeds[feed]?.dims ?? [];
        if (height * width >= cells * pixels) throw new Error('std::bad_alloc');
        return session.run(feeds);
      }),
      ['cpu'],
      files,
    );

  it.each([
    ['vaeEncoder', 'rgbPm1', 64],
    ['vaeDecoder', 'latent', 1],
  ])('for the %s, whose parts are exact, no other tiles change', async (_, feed, pixels) => {
    const engine = tooSmallFor(feed, 72 * 72, pixels);
    const events = await run(engine, large);
    expect(eventOf(events, 'notice').reason).toBe('tiles-smaller');
    expect(events.some((event) => event.type === 'tile' && event.role === 'denoiser')).toBe(false);
    expect(eventOf(events, 'done').recipe.tileCells).toBeNull();
    // sums in another order
    expect(levels(resultOf(events), resultOf(await run(sound, large)))).toBeLessThanOrEqual(1);
    await engine.dispose();
  });

  it('for the first stage, what is blended after it has its tiles too, so that one size makes the picture again', async () => {
    const engine = tooSmallFor('degraded', 40 * 40, 64);
    const ids = ['diffbir-nano'];
    const events = await run(engine, request, { ids });
    const { tileCells } = eventOf(events, 'done').recipe;
    expect(tileCells).toBe(32);
    expect(levels(resultOf(events), resultOf(await run(sound, { ...request, tileCells }, { ids })))).toBe(0);
    await engine.dispose();
  });

  it('the next backend is tried when even the smallest do not fit', async () => {
    const engine = new Engine(
      faulty(async (backend, feeds, session) => {
        if (denoises(feeds) && backend === 'webgpu') throw new Error('Out of memory');
        return session.run(feeds);
      }),
      ['webgpu', 'cpu'],
      files,
    );
    const reasons = (await run(engine, request)).flatMap((event) => (event.type === 'notice' ? [event.reason] : []));
    expect(reasons.at(-1)).toBe('backend-changed');
    await engine.dispose();
  });

  it('and nothing is left to try, the run fails with the reason', async () => {
    const engine = new Engine(
      faulty(async (_, feeds, session) => {
        if (denoises(feeds)) throw new Error('failed to allocate a buffer');
        return session.run(feeds);
      }),
      ['cpu'],
      files,
    );
    await expect(run(engine, request)).rejects.toMatchObject({ name: 'StudioError', code: 'out-of-memory' });
    await engine.dispose();
  });
});

describe('a graph that gives no numbers', () => {
  const poisoned = (sick: (backend: Backend) => boolean): OrtRuntime =>
    faulty(async (backend, feeds, session) => {
      const fetches = await fetched(await session.run(feeds));
      if (denoises(feeds) && sick(backend)) fetches['prediction']?.data.fill(Number.NaN, 7, 8);
      return fetches;
    });

  it('goes on on the next backend, with the same result', async () => {
    const engine = new Engine(
      poisoned((backend) => backend === 'webgpu'),
      ['webgpu', 'cpu'],
      files,
    );
    const events = await run(engine, request);
    expect(eventOf(events, 'notice').reason).toBe('backend-changed');
    expect(levels(resultOf(events), resultOf(await run(sound, request)))).toBe(0);
    const told = events.flatMap((event) => (event.type === 'stage' ? [event.backend] : []));
    expect([told[0], told.at(-1), eventOf(events, 'done').recipe.backend]).toEqual(['webgpu', 'cpu', 'cpu']);
    await engine.dispose();
  });

  it('on the last one fails the run, and no row of a result is told', async () => {
    const engine = new Engine(
      poisoned(() => true),
      ['cpu'],
      files,
    );
    const events: RunEvent[] = [];
    await expect(run(engine, request, { onEvent: (event) => events.push(event) })).rejects.toMatchObject({ code: 'output-invalid' });
    expect(events.some(({ type }) => type === 'rows' || type === 'done')).toBe(false);
    await engine.dispose();
  });

  it('but one flat colour is told no more than that', async () => {
    const flat = (sick: (backend: Backend) => boolean): OrtRuntime =>
      faulty(async (backend, feeds, session) => {
        const fetches = await fetched(await session.run(feeds));
        const { data } = fetches['rgbPm1'] ?? {};
        // a bias alone
        if ((feeds['latent']?.dims[3] ?? 0) > CANARY_CELLS && sick(backend)) data?.fill(0.2).fill(-1, 0, data.length / 3);
        return fetches;
      });
    const broken = new Engine(
      flat(() => true),
      ['cpu'],
      files,
    );
    const events: RunEvent[] = [];
    await expect(run(broken, request, { onEvent: (event) => events.push(event) })).rejects.toMatchObject({ code: 'output-invalid' });
    expect(events.some(({ type }) => type === 'rows' || type === 'done')).toBe(false);
    const mended = new Engine(
      flat((backend) => backend === 'webgpu'),
      ['webgpu', 'cpu'],
      files,
    );
    expect(levels(resultOf(await run(mended, request)), resultOf(await run(sound, request)))).toBe(0);
    await Promise.all([broken.dispose(), mended.dispose()]);
  });
});

describe('a picture that is one flat colour, from a decoder that saturates', () => {
  const saturating = faulty(async (_, feeds, session) => {
    const fetches = await fetched(await session.run(feeds));
    if ((feeds['latent']?.dims[3] ?? 0) > CANARY_CELLS)
      fetches['rgbPm1']?.data.forEach((value, i, data) => {
        data[i] = Math.max(-1, Math.min(1, 1.01 * value));
      });
    return fetches;
  });
  const identity = new FolderFiles(fileURLToPath(new URL('../../fixtures/identity', import.meta.url)));

  it.each([
    ['white', [255, 255, 255]],
    ['black', [0, 0, 0]],
    ['a clear sky', [0, 255, 255]],
  ])('is a result like any other: %s', async (_, [r = 0, g = 0, b = 0]) => {
    const [height, width] = [64, 64];
    const rgba8 = new Uint8ClampedArray(4 * height * width);
    for (let i = 0; i < rgba8.length; i += 4) rgba8.set([r, g, b, 255], i);
    const engine = new Engine(saturating, ['webgpu', 'cpu'], identity);
    const events = await run(
      engine,
      { ...request, image: { height, width, rgba8 }, scale: 1, colorFix: 'none', preview: 'bands' },
      { ids: ['identity'] },
    );
    expect(events.some(({ type }) => type === 'notice')).toBe(false);
    expect(resultOf(events).rgba8).toEqual(rgba8);
    await engine.dispose();
  });
});

describe('a lost device', () => {
  it('is told apart from other failures', async () => {
    const engine = new Engine(
      faulty(async (_, feeds, session) => {
        if (denoises(feeds)) throw new Error('[WebGPU] Device is lost: destroyed');
        return session.run(feeds);
      }),
      ['webgpu', 'cpu'],
      files,
    );
    await expect(run(engine, request)).rejects.toMatchObject({ code: 'device-lost' });
    await engine.dispose();
  });
});

describe('a run that is stopped', () => {
  const stopAt = async (wanted: RunEvent['type'], index: number): Promise<RunEvent[]> => {
    const stop = new AbortController();
    return run(
      sound,
      { ...request, steps: 5 },
      {
        control: { stop: stop.signal },
        onEvent: (event) => {
          if (event.type === wanted && (event.type !== 'step' || event.index === index)) stop.abort();
        },
      },
    );
  };

  it('keeps what the last finished step gave, and says after how many', async () => {
    const events = await stopAt('step', 1);
    expect(events.filter(({ type }) => type === 'step')).toHaveLength(2);
    expect(eventOf(events, 'done').recipe.stoppedAfter).toBe(2);
    expect(resultOf(events).height).toBe(288);
  });

  it('before a step was taken ends as a cancel', async () => {
    await expect(stopAt('tags', 0)).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('while it is decoded goes on to its end', async () => {
    const events = await stopAt('rows', 0);
    expect(eventOf(events, 'done').recipe.stoppedAfter).toBeNull();
  });
});

it('a run that is paused does nothing until it goes on', async () => {
  let open = (): void => {};
  let gate: Promise<void> = Promise.resolve();
  let calls = 0;
  const engine = new Engine(
    faulty(async (_, feeds, session) => {
      calls++;
      return session.run(feeds);
    }),
    ['cpu'],
    files,
  );
  let going: Promise<RunEvent[]> = Promise.resolve([]);
  await new Promise<void>((stepped) => {
    going = run(engine, request, {
      control: { gate: () => gate },
      onEvent: (event) => {
        if (event.type !== 'step' || event.index !== 0) return;
        gate = new Promise((resolve) => {
          open = resolve;
        });
        stepped();
      },
    });
  });
  const before = calls;
  await Promise.race([going, new Promise((resolve) => setImmediate(resolve))]);
  expect(calls).toBe(before);
  open();
  expect(levels(resultOf(await going), resultOf(await run(sound, request)))).toBe(0);
  await engine.dispose();
});

describe('the time of a run', () => {
  const STEP_MS = 1000;
  const PAUSE_MS = 600_000;
  afterEach(() => {
    vi.useRealTimers();
  });

  it('stands still in a pause', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const engine = new Engine(
      faulty(async (_, feeds, session) => {
        if (denoises(feeds)) vi.advanceTimersByTime(STEP_MS);
        return session.run(feeds);
      }),
      ['cpu'],
      files,
    );
    let pauses = 0;
    const gate = async (): Promise<void> => {
      pauses++;
      vi.advanceTimersByTime(PAUSE_MS);
    };
    const events = await run(engine, request, { control: { gate } });
    expect(pauses).toBeGreaterThan(request.steps);
    const told = events.flatMap((event) => (event.type === 'step' ? [[event.computedSteps, event.elapsedMs]] : []));
    expect(told).toEqual([1, 2, 3].map((steps) => [steps, steps * STEP_MS]));
    const { timings, graphSeconds } = eventOf(events, 'done');
    const seconds = (request.steps * STEP_MS) / 1000;
    expect([timings.find(({ stage }) => stage === 'denoise')?.seconds, graphSeconds]).toEqual([seconds, seconds]);
    await engine.dispose();
  });
});

it('stops fetching a model when it is stopped with nothing to keep', async () => {
  const never: BundleFiles = {
    text: (path) => files.text(path),
    has: async () => false,
    open: (_, __, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  };
  const stop = new AbortController();
  const engine = new Engine(nodeRuntime, ['cpu'], never);
  const going = run(engine, request, { control: { stop: stop.signal } });
  setTimeout(() => stop.abort());
  await expect(going).rejects.toMatchObject({ name: 'AbortError' });
  await engine.dispose();
});

/** Checkpoints in memory. */
class MemoryCheckpoints implements CheckpointStore {
  readonly steps: CheckpointStep[] = [];
  fingerprint = '';
  forgotten = 0;

  open(_: string, fingerprint: string) {
    if (fingerprint !== this.fingerprint) this.steps.length = 0;
    this.fingerprint = fingerprint;
    return {
      begun: async (): Promise<boolean> => this.steps.length > 0,
      load: async (): Promise<Checkpoint | null> => {
        const last = this.steps.at(-1);
        return last === undefined ? null : { x0ByStep: this.steps.map(({ lanes }) => lanes.map(({ x0 }) => x0)), last };
      },
      save: async (step: CheckpointStep): Promise<void> => void this.steps.push(step),
    };
  }

  async forget(): Promise<void> {
    this.forgotten++;
  }
}

describe('a run that was cut off', () => {
  it.each(['ddpm', 'ddim', 'spaced-ddpm', 'unipc'] as const)('goes on where it was and ends the same: %s', async (sampler) => {
    const asked = { ...request, image: gradient(20, 36), steps: 6, sampler, startPoint: 'lr-twice' as const, preview: 'bands' as const };
    const ids = [NANO_ID, NANO_RFSR_ID];
    const expected = await run(sound, asked, { ids });
    const checkpoints = new MemoryCheckpoints();
    const abort = new AbortController();
    const cut = run(sound, asked, {
      ids,
      control: { checkpoints },
      signal: abort.signal,
      onEvent: (event) => {
        if (event.type === 'step' && event.index === 3) abort.abort();
      },
    });
    await expect(cut).rejects.toMatchObject({ name: 'AbortError' });
    expect(checkpoints.steps).toHaveLength(4);
    let passes = 0;
    const counting = new Engine(
      faulty(async (_, feeds, session) => {
        if (denoises(feeds)) passes++;
        return session.run(feeds);
      }),
      ['cpu'],
      files,
    );
    // the request of a page that was loaded again is read from storage: its fields come in another order
    const again = Object.fromEntries(Object.entries(asked).reverse()) as unknown as typeof asked;
    const events = await run(counting, again, { ids, control: { checkpoints } });
    expect(passes).toBe(2 * 2);
    const computed = events.flatMap((event) => (event.type === 'step' && event.runId === NANO_ID ? [event.computedSteps] : []));
    expect(computed).toEqual([0, 0, 0, 0, 1, 2]);
    for (const id of ids) expect(levels(resultOf(events, id), resultOf(expected, id))).toBe(0);
    const views = (all: readonly RunEvent[]) => all.flatMap((event) => (event.type === 'step' ? [event.previews?.x0] : []));
    expect(views(events).map((view, i) => levels(view, views(expected)[i]))).toEqual(Array(12).fill(0));
    expect(checkpoints.forgotten).toBe(1);
    await counting.dispose();
  });

  const WHEN: Readonly<Record<string, (event: RunEvent) => boolean>> = {
    'while they are told again': (event) => event.type === 'step' && event.index === 0,
    'while it is loaded': (event) => event.type === 'stage' && event.stage === 'load',
    'before its first step': (event) => event.type === 'stage' && event.stage === 'denoise',
  };
  it.each(Object.keys(WHEN))('ends with all the steps it took when it is stopped %s', async (when) => {
    const asked = { ...request, image: gradient(20, 36), steps: 6, preview: 'bands' as const };
    const stopped = async (checkpoints: CheckpointStore, isTime: (event: RunEvent) => boolean): Promise<RunEvent[]> => {
      const stop = new AbortController();
      const onEvent = (event: RunEvent): void => {
        if (isTime(event)) stop.abort();
      };
      return run(sound, asked, { control: { checkpoints, stop: stop.signal }, onEvent });
    };
    const checkpoints = new MemoryCheckpoints();
    const expected = await stopped(checkpoints, (event) => event.type === 'step' && event.index === 3);
    const events = await stopped(checkpoints, WHEN[when] ?? (() => false));
    expect(eventOf(events, 'done').recipe.stoppedAfter).toBe(4);
    expect(levels(resultOf(events), resultOf(expected))).toBe(0);
  });

  it('begins anew when the request is another', async () => {
    const checkpoints = new MemoryCheckpoints();
    await run(sound, request, { control: { checkpoints } });
    const events = await run(sound, { ...request, seed: 8 }, { control: { checkpoints } });
    expect(levels(resultOf(events), resultOf(await run(sound, { ...request, seed: 8 })))).toBe(0);
    expect(checkpoints.steps).toHaveLength(3);
  });
});
