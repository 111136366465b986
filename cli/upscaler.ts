import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emptyPicture, pasteRows } from '../src/core/picture.ts';
import type { Plan } from '../src/plan/plan-run.ts';
import { defaultRequest } from '../src/protocol/default-request.ts';
import { StudioError } from '../src/protocol/errors.ts';
import type { RunEvent } from '../src/protocol/events.ts';
import { parseIndex } from '../src/protocol/manifest.ts';
import { resultDepth } from '../src/protocol/picture-file.ts';
import { recipeTexts } from '../src/protocol/recipe.ts';
import type { Image8, RestoreRequest } from '../src/protocol/request.ts';
import type { DeviceMemory } from '../src/protocol/studio-api.ts';
import { Engine } from '../workers/engine.ts';
import { measureBackend } from '../workers/sessions/device.ts';
import { FolderFiles } from './folder-files.ts';
import { nodeMemory } from './memory.ts';
import type { CliOptions } from './options.ts';
import { nodeRuntime } from './ort.ts';
import { formatOf, readPicture, writeFrame, writePicture } from './pictures.ts';

const OWN_MODELS = fileURLToPath(new URL('../public/models', import.meta.url));

/** What a finished picture says of itself under `--json`. */
export interface Report {
  readonly bundle: string;
  readonly backend: string;
  readonly width: number;
  readonly height: number;
  readonly steps: number;
  readonly seconds: Readonly<Record<string, number>>;
  readonly graphSeconds: number;
  readonly peakMemoryBytes: number;
  readonly plannedPeakBytes: number;
}

/** One model, compiled once, for one picture after another under the same options. */
export class Upscaler {
  readonly #options: CliOptions;
  readonly #files: FolderFiles;
  readonly #memory: () => DeviceMemory;
  /** Made when the first picture is read, so that what the program holds by then is counted. */
  #made: Engine | null = null;

  /** `memory`: what runs are planned for, asked once. */
  constructor(options: CliOptions, memory = (): DeviceMemory => nodeMemory(1)) {
    this.#options = options;
    this.#memory = memory;
    this.#files = new FolderFiles(options.models ?? OWN_MODELS);
  }

  get #engine(): Engine {
    this.#made ??= new Engine(nodeRuntime, [this.#options.backend], this.#files, this.#memory());
    return this.#made;
  }

  /** What the run of a picture would take, seconds by a probe of this machine. Throws StudioError. */
  async plan(input: string): Promise<Plan> {
    const { image } = await readPicture(input);
    const { backend } = this.#options;
    const bundleId = await this.#bundleId();
    const { macsPerSecond } = await measureBackend(nodeRuntime, backend, backend);
    return this.#engine.plan([bundleId], await this.#request(bundleId, image), macsPerSecond);
  }

  /**
   * Reads, restores and writes a picture, and its steps into the folder `frames` where there is one. `onStep` hears of every step. Throws
   * StudioError, and then writes nothing.
   */
  async upscale(
    input: string,
    output: string,
    onStep: (index: number, count: number) => void,
    frames = this.#options.frames,
  ): Promise<Report> {
    const format = formatOf(output);
    const { image, source } = await readPicture(input);
    const bundleId = await this.#bundleId();
    if (frames !== null) await mkdir(frames, { recursive: true });
    let report: Report | null = null;
    let result: Image8 | null = null;
    const request = { ...(await this.#request(bundleId, image)), depth: resultDepth({ ...this.#options.save, format }) };
    const plan = await this.#engine.plan([bundleId], request);
    const hear = async (event: RunEvent): Promise<void> => {
      if (event.type === 'step') onStep(event.index, event.count);
      if (event.type === 'notice') process.stderr.write(`${event.message}\n`);
      if (frames !== null) await writeFrames(event, frames);
      if (event.type === 'rows') {
        result ??= emptyPicture(event.whole, event.image.rgba16 === undefined ? 8 : 16);
        pasteRows(result, event.top, event.image);
      }
      if (event.type !== 'done' || result === null) return;
      const texts = recipeTexts({ recipe: event.recipe, mix: null });
      await writePicture(output, { image: result, source, options: { ...this.#options.save, format }, texts });
      report = reportOf(event, plan.kind === 'plan' ? plan.peakBytes : 0);
    };
    await this.#engine.run([{ runId: 'cli', bundleId }], request, hear, new AbortController().signal);
    if (report === null) throw new TypeError('expected a run to end with a result');
    return report;
  }

  async dispose(): Promise<void> {
    await this.#made?.dispose();
  }

  async #request(bundleId: string, image: Image8): Promise<RestoreRequest> {
    const options = this.#options;
    const defaults = defaultRequest((await this.#engine.bundle(bundleId)).manifest, image);
    return {
      ...defaults,
      scale: options.scale ?? defaults.scale,
      steps: options.steps ?? defaults.steps,
      guidance: options.guidance ?? defaults.guidance,
      seed: options.seed ?? defaults.seed,
      sampler: options.sampler ?? defaults.sampler,
      startPoint: options.startPoint ?? defaults.startPoint,
      prompt: { ...defaults.prompt, user: options.prompt },
      colorFix: options.colorFix ?? defaults.colorFix,
      tileCells: options.tileCells,
      preview: options.frames === null ? 'none' : 'bands',
    };
  }

  async #bundleId(): Promise<string> {
    if (this.#options.model !== null) return this.#options.model;
    const [first] = parseIndex(await this.#files.text('index.json')).bundles;
    if (first === undefined) throw new StudioError('bundle-unknown', 'The folder of models holds none.');
    return first.id;
  }
}

/** The pictures an event carries, as files. */
async function writeFrames(event: RunEvent, folder: string): Promise<void> {
  if (event.type === 'first-stage') await writeFrame(join(folder, 'first-stage.png'), event.image);
  if (event.type !== 'step' || event.previews === null) return;
  const stem = join(folder, `step-${String(event.index + 1).padStart(3, '0')}`);
  for (const layer of ['x0', 'low', 'high'] as const) await writeFrame(`${stem}-${layer}.png`, event.previews[layer]);
}

function reportOf({ height, width, recipe, timings, graphSeconds }: Extract<RunEvent, { type: 'done' }>, plannedPeakBytes: number): Report {
  return {
    bundle: recipe.bundleId,
    backend: recipe.backend,
    width,
    height,
    steps: recipe.steps,
    seconds: Object.fromEntries(timings.map(({ stage, seconds }) => [stage, Number(seconds.toFixed(3))])),
    graphSeconds: Number(graphSeconds.toFixed(3)),
    plannedPeakBytes,
    // resourceUsage counts kilobytes
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  };
}
