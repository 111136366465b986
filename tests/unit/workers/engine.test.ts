import { afterAll, describe, expect, it } from 'vitest';
import { FolderFiles } from '../../../cli/folder-files.ts';
import { nodeRuntime } from '../../../cli/ort.ts';
import type { RunEvent } from '../../../src/protocol/events.ts';
import type { ColorFix, Image8, RestoreRequest, SamplerName } from '../../../src/protocol/request.ts';
import { Engine } from '../../../workers/engine.ts';
import { golden, opaque } from '../../support/golden.ts';
import { eventOf, gradient, NANO_MODELS, nanoRequest } from '../../support/nano.ts';

interface RunGolden {
  readonly request: {
    readonly steps: number;
    readonly guidance: number;
    readonly seed: number;
    readonly sampler: SamplerName;
    readonly color_fix: ColorFix;
    readonly scale?: number;
  };
  readonly input: { readonly height: number; readonly width: number; readonly rgb8: number[] };
  readonly tags: string[];
  readonly height: number;
  readonly width: number;
  readonly rgb8: number[];
}

/** Of 255: what rounding of one level here and there amounts to. */
const MEAN_LEVELS = 1;
const MAX_LEVELS = 8;

const engine = new Engine(nodeRuntime, ['cpu'], new FolderFiles(NANO_MODELS));
afterAll(() => engine.dispose());

async function run(request: RestoreRequest, signal = new AbortController().signal): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  await engine.run('test', request, async (event) => void events.push(event), signal);
  return events;
}

function levels(a: Image8, b: Image8): { mean: number; max: number } {
  let [sum, max] = [0, 0];
  a.rgba8.forEach((value, i) => {
    const difference = Math.abs(value - (b.rgba8[i] ?? Number.NaN));
    sum += difference;
    max = Math.max(max, difference);
  });
  return { mean: sum / a.rgba8.length, max };
}

describe('a run in Node', () => {
  it.each(golden<RunGolden[]>('run'))(
    'equals the PyTorch reference: $request.sampler, $request.color_fix',
    async ({ request, input, ...expected }) => {
      const { color_fix: colorFix, ...rest } = request;
      const image = opaque(input.height, input.width, input.rgb8);
      const events = await run(nanoRequest({ ...rest, image, colorFix, scale: request.scale ?? 4 }));
      const { image: result, recipe } = eventOf(events, 'done');
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
    expect(stages).toEqual(['load', 'tag', 'text', 'encode', 'denoise', 'decode', 'color']);
    const steps = events.filter((event) => event.type === 'step');
    expect(steps.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(steps.map(({ timestep }) => timestep)).toEqual([667, 334, 1]);
    const { previews } = steps[0] ?? {};
    expect(previews?.low.height).toBe((previews?.x0.height ?? 0) / 2);
    const { timings, graphSeconds } = eventOf(events, 'done');
    expect(graphSeconds).toBeLessThanOrEqual(timings.reduce((sum, { seconds }) => sum + seconds, 0));
  });

  it('repeats itself for a seed and differs for another', async () => {
    const picture = async (seed: number) => eventOf(await run(nanoRequest({ seed, preview: 'none' })), 'done').image;
    expect(levels(await picture(1), await picture(1)).max).toBe(0);
    expect(levels(await picture(1), await picture(2)).mean).toBeGreaterThan(0);
  });

  it.each([
    [1, 1, 4],
    [1, 40, 2],
    [33, 17, 1],
    [5, 90, 3],
  ])('gives a picture of %d × %d at ×%d exactly its size', async (height, width, scale) => {
    const { image } = eventOf(await run(nanoRequest({ image: gradient(height, width), scale, steps: 1, preview: 'none' })), 'done');
    expect([image.height, image.width]).toEqual([height * scale, width * scale]);
  });

  it('keeps transparency, and says so', async () => {
    const image = gradient(20, 28);
    image.rgba8.fill(0, 0, 4);
    const events = await run(nanoRequest({ image, steps: 1 }));
    expect(eventOf(events, 'notice').reason).toBe('alpha-kept');
    expect(eventOf(events, 'done').image.rgba8[3]).toBeLessThan(128);
    expect(eventOf(events, 'done').image.rgba8.at(-1)).toBe(255);
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
      'cancelled',
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
      'slow',
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
    const { x0 } = await engine.decodeStep('test', 1);
    expect([x0.height, x0.width]).toEqual([64, 96]);
    await expect(engine.decodeStep('test', 9)).rejects.toThrow(RangeError);
    await expect(engine.decodeStep('older', 0)).rejects.toThrow(RangeError);
  });

  it.each([
    [{ steps: 0 }, 'option-invalid'],
    [{ scale: 5 }, 'option-invalid'],
    [{ seed: -1 }, 'option-invalid'],
    [{ guidance: Number.NaN }, 'option-invalid'],
    [{ colorFix: 'sepia' as ColorFix }, 'option-invalid'],
    [{ bundleId: 'nobody' }, 'bundle-unknown'],
    [{ image: gradient(900, 900) }, 'image-too-large'],
    [{ image: { height: 0, width: 0, rgba8: new Uint8ClampedArray(0) } }, 'image-empty'],
  ])('refuses %o with %s', async (changes, code) => {
    await expect(run(nanoRequest(changes))).rejects.toMatchObject({ name: 'StudioError', code });
  });
});
