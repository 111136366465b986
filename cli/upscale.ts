import { stat } from 'node:fs/promises';
import { dirname, join, parse } from 'node:path';
import { StudioError } from '../src/protocol/errors.ts';
import { type FileReport, upscaleFolder } from './folder.ts';
import { type CliOptions, parseOptions, STANDARD, USAGE } from './options.ts';
import { checkFolder, isSamePlace } from './pictures.ts';
import { Upscaler } from './upscaler.ts';

/** Runs the command line. Resolves to the exit code: 0, 1 for a failed run, 2 for bad usage. */
export async function main(words: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(words);
    if (options === null) {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    const folder = await stat(options.input).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (options.plan) {
      if (folder) throw new StudioError('option-invalid', 'Expected a file to plan for, got a folder.');
      return await tellPlan(options);
    }
    if (!folder && options.format !== null && options.output !== STANDARD) {
      throw new StudioError(
        'option-invalid',
        'Expected --format for a folder or standard output alone: a file is written as its ending says.',
      );
    }
    if (folder) return (await upscaleFolder(options, (report) => tell(report, options))) === 0 ? 0 : 1;
    await upscaleOne(options);
    return 0;
  } catch (error) {
    if (error instanceof StudioError) {
      const pointer = error.code === 'option-invalid' ? ' --help lists the options.' : '';
      process.stderr.write(`${error.code}: ${error.message}${pointer}\n`);
      return error.code === 'option-invalid' ? 2 : 1;
    }
    process.stderr.write(`internal: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
}

/** Exit code 1 where the run would be refused. */
async function tellPlan(options: CliOptions): Promise<number> {
  const upscaler = new Upscaler(options);
  try {
    const plan = await upscaler.plan(options.input);
    process.stdout.write(`${JSON.stringify(plan)}\n`);
    return plan.kind === 'plan' ? 0 : 1;
  } finally {
    await upscaler.dispose();
  }
}

async function upscaleOne(options: CliOptions): Promise<void> {
  const { input, output, json } = options;
  if (output !== STANDARD) {
    if (!options.overwrite && (await isSamePlace(input, output))) {
      throw new StudioError('option-invalid', 'Expected another file for OUTPUT than for INPUT; --overwrite puts the result in its place.');
    }
    await checkFolder(dirname(output), false);
  }
  const upscaler = new Upscaler(options);
  try {
    const count = options.page === 'all' ? await upscaler.pages(input) : 1;
    for (let i = 0; i < count; i++) {
      const place = count === 1 ? output : numbered(output, i + 1);
      const onStep = (index: number, steps: number): void => {
        if (!json) process.stderr.write(`\rstep ${index + 1} of ${steps}`);
      };
      const report = await upscaler.upscale(input, place, onStep, count === 1 ? {} : { page: i });
      if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
      else process.stderr.write(`\r${place}: ${report.width}×${report.height}\n`);
    }
  } finally {
    await upscaler.dispose();
  }
}

/** Where the result of a page goes among those of all. Throws StudioError `option-invalid` for standard output, which takes one. */
function numbered(output: string, page: number): string {
  if (output === STANDARD)
    throw new StudioError('option-invalid', 'Expected a file for OUTPUT beside --page all: standard output takes one picture.');
  const { dir, name, ext } = parse(output);
  return join(dir, `${name}-${page}${ext}`);
}

function tell(report: FileReport, { json }: CliOptions): void {
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else if (report.status === 'failed') process.stderr.write(`${report.input}: ${report.code}: ${report.message}\n`);
  else if (report.status === 'skipped') process.stderr.write(`${report.output}: there already\n`);
  else if (report.status === 'passed-over') process.stderr.write(`${report.input}: passed over: ${report.message}\n`);
  else process.stderr.write(`${report.output}: ${report.width}×${report.height}\n`);
}
