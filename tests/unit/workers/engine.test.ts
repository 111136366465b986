import { afterAll, describe, expect, it } from 'vitest';
import { FolderFiles } from '../../../cli/folder-files.ts';
import { nodeRuntime } from '../../../cli/ort.ts';
import type { BandStatistics, RunEvent } from '../../../src/protocol/events.ts';
import type { ColorFix, Image8, RestoreRequest, SamplerName, StartPoint, TileCells } from '../../../src/protocol/request.ts';
import { Engine } from '../../../workers/engine.ts';
import type { BundleFiles } from '../../../workers/model-store/bundle-files.ts';
import type { OrtRuntime } from '../../../workers/sessions/runtime.ts';
import { golden, opaque } from '../../support/golden.ts';
import { eventOf, gradient, NANO_ID, NANO_MODELS, NANO_RFSR_ID, nanoRequest, resultOf } from '../../support/nano.ts';

interface RunGolden {
  readonly bundle: string;
  readonly request: {
    readonly steps: number;
    readonly guidance: number;
    readonly seed: number;
    readonly sampler: SamplerName;
    readonly start_point: StartPoint;
    readonly color_fix: ColorFix;
    readonly positive: string;
    readonly negative: string;
    readonly scale?: number;
  };
  readonly input: { readonly height: number; readonly width: number; readonly rgb8: number[] };
  readonly tags: string[];
  readonly steps: readonly BandStatistics[];
  readonly height: number;
  readonly width: number;
  readonly rgb8: number[];
}

/** Of 255: what rounding of one level here and there amounts to. */
const MEAN_LEVELS = 1;
const MAX_LEVELS = 8;

const engine = new Engine(nodeRuntime, ['cpu'], new FolderFiles(NANO_MODELS));
afterAll(() => engine.dispose());

const NEVER = new AbortController().signal;

async function run(request: RestoreRequest, bundleIds = [NANO_ID], signal = NEVER): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const lanes = bundleIds.map((bundleId) => ({ runId: bundleId, bundleId }));
  await engine.run(lanes, request, async (event) => void events.push(event), signal);
  return events;
}

function requestOf(
  { color_fix: colorFix, start_point: startPoint, positive, negative, scale = 4, ...rest }: RunGolden['request'],
  { height, width, rgb8 }: RunGolden['input'],
): RestoreRequest {
  const prompt = { tags: null, user: '', positive, negative };
  return nanoRequest({ ...rest, image: opaque(height, width, rgb8), scale, colorFix, startPoint, prompt });
}

/** Differences of colour; alpha, which is no model's, would thin them out. */
function levels(a: Image8, b: Image8): { mean: number; max: number } {
  let [sum, max] = [0, 0];
  a.rgba8.forEach((value, i) => {
    if (i % 4 === 3) return;
    const difference = Math.abs(value - (b.rgba8[i] ?? Number.NaN));
    sum += difference;
    max = Math.max(max, difference);
  });
  return { mean: sum / (3 * a.height * a.width), max };
}

describe('a run in Node', () => {
  it.each(golden<RunGolden[]>('run'))(
    'equals the PyTorch reference: $bundle, $request.sampler, $request.color_fix',
    async ({ bundle, request, input, ...expected }) => {
      const events = await run(requestOf(request, input), [bundle]);
      const result = resultOf(events);
      const { recipe } = eventOf(events, 'done');
      expect([result.height, result.width]).toEqual([expected.height, expected.width]);
      expect(recipe.tags).toEqual(expected.tags);
      const { mean, max } = levels(result, opaque(expected.height, expected.width, expected.rgb8));
      expect(mean).toBeLessThanOrEqual(MEAN_LEVELS);
      expect(max).toBeLessThanOrEqual(MAX_LEVELS);
    },
  );

  it('tells its story in order: stages, tags, a step each with previews, the result', async () => {
    const events = await run(nanoRequest());
    const stages = events.flatMap((event) => (event.type === 'stage' ? [event.stage] : []));
    expect(stages).toEqual(['load', 'tag', 'text', 'encode', 'denoise', 'decode']);
    const steps = events.filter((event) => event.type === 'step');
    expect(steps.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(steps.map(({ timestep }) => timestep)).toEqual([667, 334, 1]);
    const { previews } = steps[0] ?? {};
    expect(previews?.low.height).toBe((previews?.x0.height ?? 0) / 2);
    const { timings, graphSeconds } = eventOf(events, 'done');
    expect(graphSeconds).toBeLessThanOrEqual(timings.reduce((sum, { seconds }) => sum + seconds, 0));
  });

  it('repeats itself for a seed and differs for another', async () => {
    const picture = async (seed: number) => resultOf(await run(nanoRequest({ seed, preview: 'none' })));
    expect(levels(await picture(1), await picture(1)).max).toBe(0);
    expect(levels(await picture(1), await picture(2)).mean).toBeGreaterThan(0);
  });

  it.each([
    [1, 1, 4],
    [1, 40, 2],
    [33, 17, 1],
    [5, 90, 3],
  ])('gives a picture of %d × %d at ×%d exactly its size', async (height, width, scale) => {
    const image = resultOf(await run(nanoRequest({ image: gradient(height, width), scale, steps: 1, preview: 'none' })));
    expect([image.height, image.width]).toEqual([height * scale, width * scale]);
  });

  it('keeps transparency, and says so', async () => {
    const image = gradient(20, 28);
    image.rgba8.fill(0, 0, 4);
    const events = await run(nanoRequest({ image, steps: 1 }));
    expect(eventOf(events, 'notice').reason).toBe('alpha-kept');
    expect(resultOf(events).rgba8[3]).toBeLessThan(128);
    expect(resultOf(events).rgba8.at(-1)).toBe(255);
  });

  it.each(['seesr-nano', 'diffbir-nano'])('%s gives 16 bits where asked, between the levels of the 8 it gives too', async (id) => {
    const request = nanoRequest({ image: gradient(16, 24), steps: 1, preview: 'none' });
    const shallow = resultOf(await run(request, [id]));
    const events = await run({ ...request, depth: 16 }, [id]);
    const [rows] = events.filter((event) => event.type === 'rows');
    const deep = rows?.image.rgba16 ?? new Uint16Array(0);
    expect(deep).toHaveLength(shallow.rgba8.length);
    const apart = deep.map((value, i) => Math.abs(value - 257 * (shallow.rgba8[i] ?? Number.NaN)));
    // half a level, where nothing is resized
    expect(Math.max(...apart)).toBeLessThanOrEqual(129);
    expect(deep.some((value) => value % 257 !== 0)).toBe(true);
    expect(eventOf(events, 'done').recipe.depth).toBe(16);
  });

  it('uses the tags it is given and names words the model does not know', async () => {
    const prompt = { ...nanoRequest().prompt, tags: ['dog', 'zeppelin'] };
    const events = await run(nanoRequest({ prompt, steps: 1 }));
    expect(eventOf(events, 'tags')).toMatchObject({ tags: ['dog', 'zeppelin'], unknownWords: ['zeppelin'] });
    expect(eventOf(events, 'done').recipe.positiveText).toBe('dog, zeppelin, ,clean, high-resolution, 8k');
  });

  it('stops after a cancel with an AbortError, and can run again', async () => {
    const abort = new AbortController();
    const cancelled = engine.run(
      [{ runId: 'cancelled', bundleId: NANO_ID }],
      nanoRequest({ steps: 50 }),
      async (event) => void (event.type === 'step' && abort.abort()),
      abort.signal,
    );
    await expect(cancelled).rejects.toMatchObject({ name: 'AbortError' });
    expect(eventOf(await run(nanoRequest({ steps: 1 })), 'done')).toBeDefined();
  });

  it('waits for its listener: back-pressure', async () => {
    let busy = false;
    await engine.run(
      [{ runId: 'slow', bundleId: NANO_ID }],
      nanoRequest({ steps: 2 }),
      async () => {
        expect(busy).toBe(false);
        busy = true;
        await new Promise((resolve) => setImmediate(resolve));
        busy = false;
      },
      new AbortController().signal,
    );
  });

  it('decodes a kept step in full, of the latest run only', async () => {
    await run(nanoRequest());
    const { x0 } = await engine.decodeStep(NANO_ID, 1);
    expect([x0.height, x0.width]).toEqual([64, 96]);
    await expect(engine.decodeStep(NANO_ID, 9)).rejects.toThrow(RangeError);
    await expect(engine.decodeStep('older', 0)).rejects.toThrow(RangeError);
  });

  it.each([
    [{ steps: 0 }, 'option-invalid'],
    [{ scale: 5 }, 'option-invalid'],
    [{ seed: -1 }, 'option-invalid'],
    [{ guidance: Number.NaN }, 'option-invalid'],
    [{ colorFix: 'sepia' as ColorFix }, 'option-invalid'],
    [{ tileCells: 100 as TileCells }, 'option-invalid'],
    [{ region: { top: 0, left: 20, height: 5, width: 9 } }, 'option-invalid'],
  ])('refuses %o with %s', async (changes, code) => {
    await expect(run(nanoRequest(changes))).rejects.toMatchObject({ name: 'StudioError', code });
  });

  it('decodes each step once for its preview, whose change is told from the one before', async () => {
    let decodes = 0;
    const counting: OrtRuntime = {
      async create(model, backend) {
        const session = await nodeRuntime.create(model, backend);
        return { ...session, run: (feeds) => session.run(feeds).finally(() => (decodes += 'latent' in feeds ? 1 : 0)) };
      },
    };
    const counted = new Engine(counting, ['cpu'], new FolderFiles(NANO_MODELS));
    const decodesOf = async (preview: RestoreRequest['preview']): Promise<number> => {
      decodes = 0;
      await counted.run([{ runId: 'a', bundleId: NANO_ID }], nanoRequest({ steps: 4, preview }), async () => {}, NEVER);
      return decodes;
    };
    await decodesOf('none'); // its canaries decode too
    expect((await decodesOf('bands')) - (await decodesOf('none'))).toBe(4);
    await counted.dispose();
  });

  it('never asks two things at once of its runtime, whoever asks', async () => {
    let [inside, most] = [0, 0];
    const alone: OrtRuntime = {
      async create(model, backend) {
        const session = await nodeRuntime.create(model, backend);
        const run: typeof session.run = async (feeds) => {
          most = Math.max(most, ++inside);
          return session.run(feeds).finally(() => inside--);
        };
        return { ...session, run };
      },
    };
    const shared = new Engine(alone, ['cpu'], new FolderFiles(NANO_MODELS));
    const start = (runId: string) => shared.run([{ runId, bundleId: NANO_ID }], nanoRequest({ steps: 2 }), async () => {}, NEVER);
    await start('first');
    const [decodedStep] = await Promise.all([shared.decodeStep('first', 1), start('second'), shared.dispose()]);
    expect(decodedStep.x0.height).toBe(64);
    expect(most).toBe(1);
    await shared.dispose();
  });

  it('sends the next event when its listener has taken the one before, while several files come too', async () => {
    const folder = new FolderFiles(NANO_MODELS);
    const fetched: BundleFiles = {
      text: (path) => folder.text(path),
      has: async () => false,
      open: async (file, onBytes, signal) => {
        await onBytes(file.sizeBytes);
        return folder.open(file, onBytes, signal);
      },
    };
    const slow = new Engine(nodeRuntime, ['cpu'], fetched);
    let busy = false;
    const loaded: number[] = [];
    const take = async (event: RunEvent): Promise<void> => {
      expect(busy).toBe(false);
      busy = true;
      await new Promise((resolve) => setImmediate(resolve));
      busy = false;
      if (event.type === 'download') loaded.push(event.loadedBytes / event.totalBytes);
    };
    await slow.run([{ runId: 'a', bundleId: NANO_ID }], nanoRequest({ steps: 1, preview: 'none' }), take, NEVER);
    expect(loaded.at(-1)).toBe(1);
    expect([...loaded].sort((a, b) => a - b)).toEqual(loaded);
    await slow.dispose();
  });

  it('is refused before anything is loaded where the device has too little memory, with what would fit', async () => {
    const memory = { totalBytes: 40e6, programBytes: 0, heapBytes: null, bindingBytes: null };
    const small = new Engine(nodeRuntime, ['cpu'], new FolderFiles(NANO_MODELS), memory);
    const events: RunEvent[] = [];
    const lanes = [{ runId: 'large', bundleId: NANO_ID }];
    const request = nanoRequest({ image: gradient(100, 100) });
    const refused = small.run(lanes, request, async (event) => void events.push(event), new AbortController().signal);
    await expect(refused).rejects.toMatchObject({ code: 'image-too-large', message: expect.stringMatching(/would fit/) });
    expect(events).toEqual([]);
    await small.dispose();
  });

  it('says in its recipe how large its tiles were allowed to be', async () => {
    expect(eventOf(await run(nanoRequest({ steps: 1, tileCells: 64 })), 'done').recipe.tileCells).toBe(64);
    expect(eventOf(await run(nanoRequest({ steps: 1 })), 'done').recipe.tileCells).toBeNull();
  });

  it('refuses pictures without pixels', async () => {
    const empty = { height: 0, width: 0, rgba8: new Uint8ClampedArray(0) };
    await expect(run(nanoRequest({ image: empty }))).rejects.toMatchObject({ code: 'image-empty' });
  });
});

describe('a run of another family', () => {
  it('shows what DiffBIR’s first stage made before the first step, at the size of the result', async () => {
    const events = await run(nanoRequest({ sampler: 'spaced-ddpm', startPoint: 'noise' }), ['diffbir-nano']);
    const order = events.flatMap(({ type }) => (type === 'first-stage' || type === 'step' ? [type] : []));
    expect(order).toEqual(['first-stage', 'step', 'step', 'step']);
    const { image } = eventOf(events, 'first-stage');
    expect([image.height, image.width]).toEqual([80, 112]);
    const { previews } = eventOf(events, 'step');
    // what was padded to whole windows is not shown
    expect([previews?.x0.height, previews?.x0.width]).toEqual([80, 112]);
    const { x0 } = await engine.decodeStep('diffbir-nano', 0);
    expect([x0.height, x0.width]).toEqual([80, 112]);
    expect(events.flatMap((event) => (event.type === 'stage' ? [event.stage] : []))[1]).toBe('restore');
  });

  it.each([
    ['diffbir-nano', ''],
    ['diffbir-tag-nano', 'dog'],
    ['pasd-nano', 'dog, '],
  ])('%s writes its own prompt', async (id, expected) => {
    const words = id === 'diffbir-nano' ? null : ['dog'];
    const prompt = { tags: words, user: '', positive: '', negative: '' };
    expect(eventOf(await run(nanoRequest({ prompt, steps: 1 }), [id]), 'done').recipe.positiveText).toBe(expected);
  });

  it.each(['diffbir-nano', 'pasd-nano'])('%s gives pictures of any size exactly its size', async (id) => {
    for (const [height, width, scale] of [
      [1, 1, 4],
      [33, 17, 1],
      [5, 90, 3],
    ] as const) {
      const request = nanoRequest({ image: gradient(height, width), scale, steps: 1, preview: 'none' });
      const image = resultOf(await run(request, [id]));
      expect([image.height, image.width]).toEqual([height * scale, width * scale]);
    }
  });

  it.each(['diffbir', 'diffbir-tag', 'pasd'])('%s runs with its twin as each runs alone', async (name) => {
    const request = nanoRequest({ guidance: 1, preview: 'none', sampler: 'unipc', startPoint: 'lr-twice' });
    const together = await run(request, [`${name}-nano`, `${name}-nano-rfsr`]);
    for (const id of [`${name}-nano`, `${name}-nano-rfsr`]) {
      expect(resultOf(together, id).rgba8).toEqual(resultOf(await run(request, [id])).rgba8);
    }
    expect(together.filter(({ type }) => type === 'first-stage')).toHaveLength(1);
  });

  it.each([[[NANO_ID, 'pasd-nano']], [['diffbir-nano', 'diffbir-tag-nano']]])(
    '%o are not stepped together: they are built differently',
    async (ids) => {
      await expect(run(nanoRequest(), ids)).rejects.toMatchObject({ name: 'StudioError', code: 'option-invalid' });
    },
  );
});

describe('the bands over the steps', () => {
  it.each(golden<RunGolden[]>('run'))(
    'have the strengths and changes PyWavelets finds: $bundle, $request.sampler',
    async ({ bundle, request, input, steps }) => {
      const events = await run(requestOf(request, input), [bundle]);
      const found = events.flatMap((event) => (event.type === 'step' && event.previews !== null ? [event.previews.statistics] : []));
      expect(found).toHaveLength(steps.length);
      for (const [i, expected] of steps.entries()) {
        for (const key of ['lowEnergy', 'highEnergy', 'lowChange', 'highChange'] as const) {
          const [ours, theirs] = [found[i]?.[key], expected[key]];
          if (theirs === null) expect(ours).toBeNull();
          else expect(Math.abs((ours ?? Number.NaN) - theirs)).toBeLessThan(1e-6 + 1e-3 * theirs);
        }
      }
    },
  );
});

describe('a pair', () => {
  const request = nanoRequest({ guidance: 1 });

  it('gives each model what it gives alone, on the same noise', async () => {
    const together = await run(request, [NANO_ID, NANO_RFSR_ID]);
    const pictures: Image8[] = [];
    for (const id of [NANO_ID, NANO_RFSR_ID]) {
      const alone = resultOf(await run(request, [id]));
      const done = together.find((event) => event.type === 'done' && event.runId === id);
      if (done?.type !== 'done') throw new Error(`expected a result of ${id}`);
      expect(done.recipe.bundleId).toBe(id);
      const picture = resultOf(together, id);
      expect(picture.rgba8).toEqual(alone.rgba8);
      pictures.push(picture);
    }
    expect(pictures[0]?.rgba8).not.toEqual(pictures[1]?.rgba8);
  });

  it('steps both in turn and computes once what they share', async () => {
    const events = await run(request, [NANO_ID, NANO_RFSR_ID]);
    const steps = events.flatMap((event) => (event.type === 'step' ? [`${event.index} ${event.runId}`] : []));
    expect(steps).toEqual([0, 1, 2].flatMap((index) => [`${index} ${NANO_ID}`, `${index} ${NANO_RFSR_ID}`]));
    expect(events.filter(({ type }) => type === 'tags')).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'stage').map(({ runId }) => runId)).not.toContain(NANO_RFSR_ID);
  });

  it('keeps the steps of both for decoding', async () => {
    await run(request, [NANO_ID, NANO_RFSR_ID]);
    const [base, rfsr] = [await engine.decodeStep(NANO_ID, 2), await engine.decodeStep(NANO_RFSR_ID, 2)];
    expect(base.x0.rgba8).not.toEqual(rfsr.x0.rgba8);
  });

  it('is refused where a model does not exist', async () => {
    await expect(run(request, [NANO_ID, 'nobody'])).rejects.toMatchObject({ name: 'StudioError', code: 'bundle-unknown' });
  });
});
