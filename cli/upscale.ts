import { access, constants, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StudioError } from '../src/protocol/errors.ts';
import { type FileReport, upscaleFolder } from './folder.ts';
import { type CliOptions, parseOptions, USAGE } from './options.ts';
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
    if (!folder && options.format !== null) {
      throw new StudioError('option-invalid', 'Expected --format for a folder alone: a file is written as its ending says.');
    }
    if (folder) return (await upscaleFolder(options, (report) => tell(report, options))) === 0 ? 0 : 1;
    await upscaleOne(options);
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
  const folder = dirname(output);
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new StudioError('output-unwritable', `The folder “${folder}” does not exist or cannot be written to.`, { cause });
  });
  const upscaler = new Upscaler(options);
  try {
    const report = await upscaler.upscale(input, output, (index, count) => {
      if (!json) process.stderr.write(`\rstep ${index + 1} of ${count}`);
    });
    if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
    else process.stderr.write(`\r${output}: ${report.width}×${report.height}\n`);
  } finally {
    await upscaler.dispose();
  }
}

function tell(report: FileReport, { json }: CliOptions): void {
  if (json) process.stdout.write(`${JSON.stringify(report)}\n`);
  else if (report.status === 'failed') process.stderr.write(`${report.input}: ${report.code}: ${report.message}\n`);
  else if (report.status === 'skipped') process.stderr.write(`${report.output}: there already\n`);
  else process.stderr.write(`${report.output}: ${report.width}×${report.height}\n`);
}
