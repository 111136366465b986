import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emptyPicture, hasAlpha, pasteRows } from '../src/core/picture.ts';
import type { Plan, Refusal } from '../src/plan/plan-run.ts';
import { defaultRequest } from '../src/protocol/default-request.ts';
import { StudioError } from '../src/protocol/errors.ts';
import type { RunEvent } from '../src/protocol/events.ts';
import { parseIndex } from '../src/protocol/manifest.ts';
import { DEFAULT_SAVE_OPTIONS, formatRefusal, type SaveFormat, type SourceInfo } from '../src/protocol/picture-file.ts';
import { recipeTexts } from '../src/protocol/recipe.ts';
import type { Image8, RestoreRequest } from '../src/protocol/request.ts';
import type { DeviceMemory } from '../src/protocol/studio-api.ts';
import { Engine } from '../workers/engine.ts';
import { measureBackend } from '../workers/sessions/device.ts';
import type { OrtRuntime } from '../workers/sessions/runtime.ts';
import { FolderFiles } from './folder-files.ts';
import { nodeMemory } from './memory.ts';
import { type CliOptions, STANDARD } from './options.ts';
import { nodeRuntime, runtimeFor } from './ort.ts';
import { checkRoom, formatOf, readPicture, writeFrame, writePicture } from './pictures.ts';

/** A file takes more of its pixels than this share, but for the flattest of pictures. */
const LEAST_SHARE: Readonly<Record<SaveFormat, number>> = { png: 0.25, jpeg: 0.02, webp: 0.02 };
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
  /** Sentences on what of the file or of the run is not as one may expect. */
  readonly notices: readonly string[];
}

/** One model, compiled once, for one picture after another under the same options. */
export class Upscaler {
  readonly #options: CliOptions;
  readonly #files: FolderFiles;
  readonly #memory: () => DeviceMemory;
  readonly #runtime: OrtRuntime;
  /** Made when the first picture is read, so that what the program holds by then is counted. */
  #made: Engine | null = null;

  /** `memory`: what runs are planned for, asked once; `runs`: how many share the machine. */
  constructor(options: CliOptions, memory = (): DeviceMemory => nodeMemory(1), runs = 1) {
    this.#options = options;
    this.#memory = memory;
    this.#runtime = runs === 1 ? nodeRuntime : runtimeFor(runs);
    this.#files = new FolderFiles(options.models ?? OWN_MODELS);
  }

  get #engine(): Engine {
    this.#made ??= new Engine(this.#runtime, [this.#options.backend], this.#files, this.#memory());
    return this.#made;
  }

  /** Pages or frames in a file. Throws StudioError `image-*`. */
  async pages(input: string): Promise<number> {
    return (await readPicture(input)).source.pages;
  }

  /** What the run of a picture would take, seconds by a probe of this machine. Throws StudioError. */
  async plan(input: string): Promise<Plan> {
    const { image, source } = await readPicture(input, this.#page);
    const { backend, output } = this.#options;
    const bundleId = await this.#bundleId();
    const request = await this.#request(bundleId, image, source, this.#formatFor(output));
    const refusal = formatPlan(request, this.#formatFor(output));
    if (refusal !== null) return refusal;
    const { macsPerSecond } = await measureBackend(nodeRuntime, backend, backend);
    return this.#engine.plan([bundleId], request, macsPerSecond);
  }

  /**
   * Reads, restores and writes a picture, and its steps into the folder `frames` where there is one. `onStep` hears of every step. Throws
   * StudioError, and then writes nothing.
   */
  async upscale(
    input: string,
    output: string,
    onStep: (index: number, count: number) => void,
    { frames = this.#options.frames, page = this.#page }: { readonly frames?: string | null; readonly page?: number } = {},
  ): Promise<Report> {
    const format = this.#formatFor(output);
    const { image, source } = await readPicture(input, page);
    const bundleId = await this.#bundleId();
    const notices: string[] = [];
    const notify = (message: string): void => {
      notices.push(message);
      process.stderr.write(`${message}\n`);
    };
    source.notices.forEach(notify);
    let report: Report | null = null;
    let result: Image8 | null = null;
    const request = await this.#request(bundleId, image, source, format);
    const refusal = formatPlan(request, format);
    if (refusal !== null) throw new StudioError(refusal.code, refusal.message);
    const pixels = image.height * image.width * request.scale ** 2;
    if (output !== STANDARD) await checkRoom(dirname(output), LEAST_SHARE[format] * 3 * (request.depth / 8) * pixels);
    if (frames !== null) await mkdir(frames, { recursive: true });
    const plan = await this.#engine.plan([bundleId], request);
    const hear = async (event: RunEvent): Promise<void> => {
      if (event.type === 'step') onStep(event.index, event.count);
      if (event.type === 'notice') notify(event.message);
      if (frames !== null) await writeFrames(event, frames);
      if (event.type === 'rows') {
        result ??= emptyPicture(event.whole, event.image.rgba16 === undefined ? 8 : 16);
        pasteRows(result, event.top, event.image);
      }
      if (event.type !== 'done' || result === null) return;
      const texts = recipeTexts({ recipe: event.recipe, mix: null });
      if (format === 'jpeg' && this.#options.save.background === null && hasAlpha(image)) {
        notify('JPEG has no transparency: what was transparent is white. --background chooses another colour.');
      }
      await writePicture(output, { image: result, source, options: { ...this.#options.save, format, depth: request.depth }, texts });
      report = reportOf(event, plan.kind === 'plan' ? plan.peakBytes : 0, notices);
    };
    await this.#engine.run([{ runId: 'cli', bundleId }], request, hear, new AbortController().signal);
    if (report === null) throw new TypeError('expected a run to end with a result');
    return report;
  }

  async dispose(): Promise<void> {
    await this.#made?.dispose();
  }

  /** All of them are told one by one. */
  get #page(): number {
    return this.#options.page === 'all' ? 0 : this.#options.page;
  }

  #formatFor(output: string): SaveFormat {
    return output === STANDARD ? (this.#options.format ?? DEFAULT_SAVE_OPTIONS.format) : formatOf(output);
  }

  async #request(bundleId: string, image: Image8, source: SourceInfo, format: SaveFormat): Promise<RestoreRequest> {
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
      depth: format === 'png' ? (options.depth ?? source.depth) : 8,
      ...(options.alpha === null ? {} : { alpha: options.alpha }),
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

/** A refusal where a format has no room for a request's result; null where it has. */
function formatPlan({ image, scale }: RestoreRequest, format: SaveFormat): Refusal | null {
  const message = formatRefusal(format, { height: image.height * scale, width: image.width * scale }, scale);
  return message === null ? null : { kind: 'refusal', code: 'image-too-large', message, remedy: null };
}

/** The pictures an event carries, as files. */
async function writeFrames(event: RunEvent, folder: string): Promise<void> {
  if (event.type === 'first-stage') await writeFrame(join(folder, 'first-stage.png'), event.image);
  if (event.type !== 'step' || event.previews === null) return;
  const stem = join(folder, `step-${String(event.index + 1).padStart(3, '0')}`);
  for (const layer of ['x0', 'low', 'high'] as const) await writeFrame(`${stem}-${layer}.png`, event.previews[layer]);
}

function reportOf(
  { height, width, recipe, timings, graphSeconds }: Extract<RunEvent, { type: 'done' }>,
  plannedPeakBytes: number,
  notices: readonly string[],
): Report {
  return {
    bundle: recipe.bundleId,
    backend: recipe.backend,
    width,
    height,
    steps: recipe.steps,
    seconds: Object.fromEntries(timings.map(({ stage, seconds }) => [stage, Number(seconds.toFixed(3))])),
    graphSeconds: Number(graphSeconds.toFixed(3)),
    plannedPeakBytes,
    notices,
    // resourceUsage counts kilobytes
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  };
}
