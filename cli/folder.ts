import { access, mkdir, readdir, realpath } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { StudioError } from '../src/protocol/errors.ts';
import { DEFAULT_SAVE_OPTIONS, FILE_ENDINGS } from '../src/protocol/picture-file.ts';
import type { DeviceMemory } from '../src/protocol/studio-api.ts';
import { nodeMemory } from './memory.ts';
import type { CliOptions } from './options.ts';
import { type Report, Upscaler } from './upscaler.ts';

/** What became of one file, a line of JSON each. */
export type FileReport =
  | ({ readonly input: string; readonly output: string; readonly status: 'done' } & Report)
  | { readonly input: string; readonly output: string; readonly status: 'skipped' }
  | { readonly input: string; readonly output: string; readonly status: 'failed'; readonly code: string; readonly message: string };

/**
 * Every file of the input folder to the output folder, `jobs` at a time, in the order of their names. A result that is there already is
 * skipped, so that a run that was stopped goes on; a file that fails does not stop the others. Resolves to how many failed. Throws StudioError
 * `image-empty` for a folder without files, `output-unwritable` where the output folder cannot be made, `option-invalid` where both are one.
 */
export async function upscaleFolder(options: CliOptions, onFile: (report: FileReport) => void): Promise<number> {
  const entries = await readdir(options.input, { withFileTypes: true });
  const names = entries.flatMap((entry) => (entry.isFile() && !entry.name.startsWith('.') ? [entry.name] : [])).sort();
  if (names.length === 0) throw new StudioError('image-empty', `The folder “${options.input}” holds no files.`);
  await mkdir(options.output, { recursive: true }).catch((cause: unknown) => {
    throw new StudioError('output-unwritable', `The folder “${options.output}” could not be made.`, { cause });
  });
  if ((await realpath(options.input)) === (await realpath(options.output))) {
    throw new StudioError('option-invalid', 'Expected another folder for OUTPUT than for INPUT: results would be taken for inputs.');
  }
  const places = outputNames(names, FILE_ENDINGS[options.format ?? DEFAULT_SAVE_OPTIONS.format]);
  const waiting = [...names];
  const jobs = Math.min(options.jobs, names.length);
  let known: DeviceMemory | null = null;
  // the first to read a picture asks for all: by then no model is loaded
  const memory = (): DeviceMemory => {
    known ??= nodeMemory(jobs);
    return known;
  };
  let failed = 0;
  const work = async (): Promise<void> => {
    const upscaler = new Upscaler(options, memory);
    try {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const place = places.get(name) ?? name;
        const frames = options.frames === null ? null : join(options.frames, parse(place).name);
        const report = await upscaleFile(upscaler, join(options.input, name), join(options.output, place), frames);
        if (report.status === 'failed') failed++;
        onFile(report);
      }
    } finally {
      await upscaler.dispose();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return failed;
}

async function upscaleFile(upscaler: Upscaler, input: string, output: string, frames: string | null): Promise<FileReport> {
  const known = await access(output).then(
    () => true,
    () => false,
  );
  if (known) return { input, output, status: 'skipped' };
  try {
    return { input, output, status: 'done', ...(await upscaler.upscale(input, output, () => {}, frames)) };
  } catch (error) {
    const code = error instanceof StudioError ? error.code : 'internal';
    return { input, output, status: 'failed', code, message: error instanceof Error ? error.message : String(error) };
  }
}

/** NAME.png for every file, or NAME.EXT.png where two would share it; `ending` may be another. */
function outputNames(names: readonly string[], ending: string): ReadonlyMap<string, string> {
  const stems = names.map((name) => parse(name).name);
  const unique = (stem: string): boolean => stems.filter((other) => other === stem).length === 1;
  return new Map(names.map((name) => [name, `${unique(parse(name).name) ? parse(name).name : name}.${ending}`]));
}
