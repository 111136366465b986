import { access, constants, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultRequest } from '../src/protocol/default-request.ts';
import { StudioError } from '../src/protocol/errors.ts';
import type { RunEvent } from '../src/protocol/events.ts';
import { parseIndex } from '../src/protocol/manifest.ts';
import type { RestoreRequest } from '../src/protocol/request.ts';
import { Engine } from '../workers/engine.ts';
import { FolderFiles } from './folder-files.ts';
import { type CliOptions, parseOptions, USAGE } from './options.ts';
import { nodeRuntime } from './ort.ts';
import { readPicture, writePicture } from './pictures.ts';

const OWN_MODELS = fileURLToPath(new URL('../public/models', import.meta.url));

/** Runs the command line. Resolves to the exit code: 0, 1 for a failed run, 2 for bad usage. */
export async function main(words: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(words);
    if (options === null) process.stdout.write(`${USAGE}\n`);
    else await upscale(options);
    return 0;
  } catch (error) {
    if (error instanceof StudioError) {
      process.stderr.write(`${error.code}: ${error.message}\n`);
      if (error.code === 'option-invalid') process.stderr.write(`${USAGE}\n`);
      return error.code === 'option-invalid' ? 2 : 1;
    }
    process.stderr.write(`internal: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
}

async function upscale(options: CliOptions): Promise<void> {
  const folder = dirname(options.output);
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new StudioError('output-unwritable', `The folder “${folder}” does not exist or cannot be written to.`, { cause });
  });
  const image = await readPicture(options.input);
  const files = new FolderFiles(options.models ?? OWN_MODELS);
  const engine = new Engine(nodeRuntime, [options.backend], files);
  try {
    const bundleId = options.model ?? (await firstBundle(files));
    const defaults = defaultRequest((await engine.bundle(bundleId)).manifest, image);
    const request: RestoreRequest = {
      ...defaults,
      scale: options.scale ?? defaults.scale,
      steps: options.steps ?? defaults.steps,
      guidance: options.guidance ?? defaults.guidance,
      seed: options.seed ?? defaults.seed,
      sampler: options.sampler ?? defaults.sampler,
      startPoint: options.startPoint ?? defaults.startPoint,
      prompt: { ...defaults.prompt, user: options.prompt },
      colorFix: options.colorFix ?? defaults.colorFix,
      preview: options.frames === null ? 'none' : 'bands',
    };
    if (options.frames !== null) await mkdir(options.frames, { recursive: true });
    await engine.run([{ runId: 'cli', bundleId }], request, (event) => report(event, options), new AbortController().signal);
  } finally {
    await engine.dispose();
  }
}

async function firstBundle(files: FolderFiles): Promise<string> {
  const [first] = parseIndex(await files.text('index.json')).bundles;
  if (first === undefined) throw new StudioError('bundle-unknown', 'The folder of models holds none.');
  return first.id;
}

async function report(event: RunEvent, { output, frames, json }: CliOptions): Promise<void> {
  switch (event.type) {
    case 'step': {
      if (!json) process.stderr.write(`\rstep ${event.index + 1} of ${event.count}`);
      if (frames === null || event.previews === null) return;
      const stem = join(frames, `step-${String(event.index + 1).padStart(3, '0')}`);
      await writePicture(`${stem}-x0.png`, event.previews.x0);
      await writePicture(`${stem}-low.png`, event.previews.low);
      await writePicture(`${stem}-high.png`, event.previews.high);
      return;
    }
    case 'first-stage':
      if (frames !== null) await writePicture(join(frames, 'first-stage.png'), event.image);
      return;
    case 'notice':
      process.stderr.write(`${event.message}\n`);
      return;
    case 'done': {
      await writePicture(output, event.image);
      const { height, width } = event.image;
      const seconds = Object.fromEntries(event.timings.map(({ stage, seconds }) => [stage, Number(seconds.toFixed(3))]));
      const { bundleId, backend, steps } = event.recipe;
      // resourceUsage counts kilobytes
      const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
      if (json)
        process.stdout.write(
          `${JSON.stringify({ bundle: bundleId, backend, width, height, steps, seconds, graphSeconds: Number(event.graphSeconds.toFixed(3)), peakMemoryBytes })}\n`,
        );
      else process.stderr.write(`\r${output}: ${width}×${height}\n`);
      return;
    }
    case 'stage':
    case 'tile':
    case 'tags':
    case 'download':
      return;
    default:
      throw event satisfies never;
  }
}

process.exitCode = await main(process.argv.slice(2));
