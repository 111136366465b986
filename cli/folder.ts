import { access, mkdir, readdir } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { StudioError } from '../src/protocol/errors.ts';
import type { CliOptions } from './options.ts';
import { type Report, Upscaler } from './upscaler.ts';

/** What became of one file, a line of JSON each. */
export type FileReport =
  | ({ readonly input: string; readonly output: string; readonly status: 'done' } & Report)
  | { readonly input: string; readonly output: string; readonly status: 'skipped' }
  | { readonly input: string; readonly output: string; readonly status: 'failed'; readonly code: string; readonly message: string };

/**
 * Every file of the input folder to NAME.png in the output folder, `jobs` at a time, in the order of their names. A result that is there
 * already is skipped, so that a run that was stopped goes on; a file that fails does not stop the others. Resolves to how many failed.
 * Throws StudioError `image-empty` for a folder without files, `output-unwritable` where the output folder cannot be made.
 */
export async function upscaleFolder(options: CliOptions, onFile: (report: FileReport) => void): Promise<number> {
  const entries = await readdir(options.input, { withFileTypes: true });
  const names = entries.flatMap((entry) => (entry.isFile() && !entry.name.startsWith('.') ? [entry.name] : [])).sort();
  if (names.length === 0) throw new StudioError('image-empty', `The folder “${options.input}” holds no files.`);
  await mkdir(options.output, { recursive: true }).catch((cause: unknown) => {
    throw new StudioError('output-unwritable', `The folder “${options.output}” could not be made.`, { cause });
  });
  const places = outputNames(names);
  const waiting = [...names];
  let failed = 0;
  const work = async (): Promise<void> => {
    const upscaler = new Upscaler(options);
    try {
      for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
        const report = await upscaleFile(upscaler, join(options.input, name), join(options.output, places.get(name) ?? name));
        if (report.status === 'failed') failed++;
        onFile(report);
      }
    } finally {
      await upscaler.dispose();
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.jobs, names.length) }, work));
  return failed;
}

async function upscaleFile(upscaler: Upscaler, input: string, output: string): Promise<FileReport> {
  const known = await access(output).then(
    () => true,
    () => false,
  );
  if (known) return { input, output, status: 'skipped' };
  try {
    return { input, output, status: 'done', ...(await upscaler.upscale(input, output, () => {})) };
  } catch (error) {
    const code = error instanceof StudioError ? error.code : 'internal';
    return { input, output, status: 'failed', code, message: error instanceof Error ? error.message : String(error) };
  }
}

/** NAME.png for every file, or NAME.EXT.png where two would share it. */
function outputNames(names: readonly string[]): ReadonlyMap<string, string> {
  const stems = names.map((name) => parse(name).name);
  const unique = (stem: string): boolean => stems.filter((other) => other === stem).length === 1;
  return new Map(names.map((name) => [name, `${unique(parse(name).name) ? parse(name).name : name}.png`]));
}
