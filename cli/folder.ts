import { access, readdir, stat } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { StudioError } from '../src/protocol/errors.ts';
import { DEFAULT_SAVE_OPTIONS, FILE_ENDINGS } from '../src/protocol/picture-file.ts';
import type { DeviceMemory } from '../src/protocol/studio-api.ts';
import { nodeMemory } from './memory.ts';
import type { CliOptions } from './options.ts';
import { checkFolder, isSamePlace } from './pictures.ts';
import { resultNames } from './result-names.ts';
import { type Report, Upscaler } from './upscaler.ts';

/** What became of one file, a line of JSON each. */
export type FileReport =
  | ({ readonly input: string; readonly output: string; readonly status: 'done' } & Report)
  | { readonly input: string; readonly output: string; readonly status: 'skipped' }
  | { readonly input: string; readonly status: 'passed-over'; readonly message: string }
  | { readonly input: string; readonly output: string; readonly status: 'failed'; readonly code: string; readonly message: string };

/** What systems leave in folders: passed over without a word, as names that begin with a dot are. */
const SYSTEM_FILES = ['thumbs.db', 'ehthumbs.db', 'desktop.ini', 'icon\r'];
/** No other file would fare better after one of these. */
const STOPPING = ['output-unwritable', 'storage-full'];

/** A file to upscale, and where its result goes. */
interface Job {
  readonly input: string;
  readonly folder: string;
  readonly name: string;
}

/**
 * Every file of the input folder to the output folder, `jobs` at a time, in the order of their names; where asked, those of the folders in it
 * into folders of their own. Names of results are known before the first is begun. One that is there already is skipped, so that a run that
 * was stopped goes on; a file that fails does not stop the others, an output that takes no more does. Resolves to how many failed. Throws
 * StudioError `image-empty` for a folder without files, `output-unwritable` or `storage-full` where nothing can be written, `option-invalid`
 * where both folders are one.
 */
export async function upscaleFolder(options: CliOptions, onFile: (report: FileReport) => void): Promise<number> {
  if (options.page === 'all') throw new StudioError('option-invalid', 'Expected --page all for a file alone.');
  if (!options.overwrite && (await isSamePlace(options.input, options.output))) {
    const text = 'Expected another folder for OUTPUT than for INPUT, where results would be taken for inputs; --overwrite puts them there.';
    throw new StudioError('option-invalid', text);
  }
  const waiting: Job[] = [];
  await collect(options, '', waiting, onFile);
  if (waiting.length === 0) throw new StudioError('image-empty', `The folder “${options.input}” holds no files.`);
  for (const folder of new Set(waiting.map((job) => job.folder))) await checkFolder(folder, true);
  const jobs = Math.min(options.jobs, waiting.length);
  let known: DeviceMemory | null = null;
  // the first to read a picture asks for all: by then no model is loaded
  const memory = (): DeviceMemory => {
    known ??= nodeMemory(jobs);
    return known;
  };
  let failed = 0;
  let stopping: unknown = null;
  const work = async (): Promise<void> => {
    const upscaler = new Upscaler(options, memory, jobs);
    try {
      for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) {
        const report = await upscaleFile(upscaler, job, options);
        if (report.status === 'failed') failed++;
        onFile(report);
      }
    } catch (error) {
      waiting.length = 0;
      stopping ??= error;
    } finally {
      await upscaler.dispose();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  if (stopping !== null) throw stopping;
  return failed;
}

/** The files of a folder below the input, and what of it is passed over. */
async function collect(options: CliOptions, below: string, jobs: Job[], onFile: (report: FileReport) => void): Promise<void> {
  const folder = join(options.input, below);
  const entries = (await readdir(folder, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const inputs: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    const { name } = entry;
    if (name.startsWith('.') || SYSTEM_FILES.includes(name.toLowerCase())) continue;
    const path = join(folder, name);
    const passOver = (message: string): void => onFile({ input: path, status: 'passed-over', message });
    // a link to a file is that file
    const found = entry.isSymbolicLink() ? await stat(path).catch(() => null) : entry;
    if (found === null) passOver('a link that leads nowhere');
    else if (found.isFile()) inputs.push(name);
    else if (!found.isDirectory()) passOver('neither a file nor a folder');
    else if (entry.isSymbolicLink()) passOver('a link to a folder');
    else if (!options.recursive) passOver('a folder; --recursive takes what is in it');
    else if (!(await isSamePlace(path, options.output))) folders.push(name);
  }
  const names = resultNames(inputs, FILE_ENDINGS[options.format ?? DEFAULT_SAVE_OPTIONS.format]);
  for (const name of inputs) jobs.push({ input: join(folder, name), folder: join(options.output, below), name: names.get(name) ?? name });
  for (const name of folders) await collect(options, join(below, name), jobs, onFile);
}

async function upscaleFile(upscaler: Upscaler, { input, folder, name }: Job, options: CliOptions): Promise<FileReport> {
  const output = join(folder, name);
  const known = await access(output).then(
    () => true,
    () => false,
  );
  if (known && !options.overwrite) return { input, output, status: 'skipped' };
  try {
    const below = folder.slice(options.output.length);
    const frames = options.frames === null ? null : join(options.frames, below, parse(name).name);
    return { input, output, status: 'done', ...(await upscaler.upscale(input, output, () => {}, { frames })) };
  } catch (error) {
    if (error instanceof StudioError && STOPPING.includes(error.code)) throw error;
    const code = error instanceof StudioError ? error.code : 'internal';
    return { input, output, status: 'failed', code, message: error instanceof Error ? error.message : String(error) };
  }
}
