// All tests, once what they need is there: of the studio and, beside them, of the training package; of one of the two with --studio or --training.
// Ends with one line that sums all runners. What a test needs and cannot have is a failure.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openSite } from '../tests/support/site.ts';
import { prepareChromium, preparePython } from './machine.ts';

interface Count {
  readonly passed: number;
  readonly failed: number;
}

interface Surroundings {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Takes what is printed; without, it is shown as it comes. */
  readonly log?: string[];
}

const reports = mkdtempSync(join(tmpdir(), 'rfsr-test-'));

/** Runs a command to its end. Resolves to whether it succeeded. */
function run(title: string, command: string, words: readonly string[], { cwd, env, log }: Surroundings = {}): Promise<boolean> {
  const began = performance.now();
  const tell = (text: string): void => void (log === undefined ? process.stdout.write(text) : log.push(text));
  tell(`\n── ${title}\n`);
  const child = spawn(command, words, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', log === undefined ? 'inherit' : 'pipe', log === undefined ? 'inherit' : 'pipe'],
    shell: process.platform === 'win32',
  });
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', tell);
  return new Promise((done) => {
    child.on('error', (error) => {
      tell(`${error.message}\n`);
      done(false);
    });
    child.on('close', (code) => {
      tell(`── ${title}: ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
      done(code === 0);
    });
  });
}

/** A runner that answers yes or no counts as one test. */
async function check(title: string, ...words: readonly string[]): Promise<Count> {
  return (await run(title, 'npx', words)) ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** What a runner's report says; a runner that fell over outside its tests, or left no report, failed too. */
function counted(sound: boolean, report: string, read: (text: string) => Count): Count {
  try {
    const { passed, failed } = read(readFileSync(report, 'utf8'));
    return { passed, failed: failed === 0 && !sound ? 1 : failed };
  } catch (error) {
    return failure(error);
  }
}

function failure(error: unknown): Count {
  console.error(error instanceof Error ? error.message : String(error));
  return { passed: 0, failed: 1 };
}

/** The tests of one of Vitest's projects. */
async function vitest(project: string, env = {}): Promise<Count> {
  const report = join(reports, `${project}.json`);
  const words = ['vitest', 'run', '--project', project, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const sound = await run(project, 'npx', words, { env });
  return counted(sound, report, (text) => {
    const { numPassedTests, numFailedTests } = JSON.parse(text) as { readonly numPassedTests: number; readonly numFailedTests: number };
    return { passed: numPassedTests, failed: numFailedTests };
  });
}

async function journeys(env: Readonly<Record<string, string>>): Promise<Count> {
  const report = join(reports, 'journeys.json');
  const surroundings = { env: { ...env, PLAYWRIGHT_JSON_OUTPUT_FILE: report } };
  const sound = await run('journeys', 'npx', ['playwright', 'test', '--reporter=list,json'], surroundings);
  return counted(sound, report, (text) => {
    const { stats } = JSON.parse(text) as { readonly stats: { readonly expected: number; readonly unexpected: number } };
    return { passed: stats.expected, failed: stats.unexpected };
  });
}

async function testStudio(): Promise<readonly Count[]> {
  const counts = [await check('types', 'tsc', '--noEmit'), await check('lint', 'biome', 'check', '--error-on-warnings', '.')];
  counts.push(await vitest('unit'));
  try {
    await prepareChromium();
    const { siteUrl, nanoSiteUrl, close } = await openSite();
    const env = { SITE_URL: siteUrl, NANO_SITE_URL: nanoSiteUrl };
    try {
      counts.push(await vitest('browser', env), await journeys(env));
    } finally {
      await close();
    }
  } catch (error) {
    counts.push(failure(error));
  }
  return counts;
}

async function testTraining(log: string[] | undefined): Promise<readonly Count[]> {
  try {
    const python = resolve(await preparePython());
    const report = join(reports, 'training.xml');
    const words = ['-m', 'pytest', '-q', '--durations=10', `--junitxml=${report}`];
    const sound = await run('training', python, words, { cwd: 'training', env: { OMP_NUM_THREADS: '1' }, ...(log && { log }) });
    return [
      counted(sound, report, (text) => {
        const number = (name: string): number => Number(new RegExp(`${name}="(\\d+)"`).exec(text)?.[1] ?? Number.NaN);
        const failed = number('failures') + number('errors');
        return { passed: number('tests') - failed - number('skipped'), failed };
      }),
    ];
  } catch (error) {
    return [failure(error)];
  }
}

const { studio = false, training = false } = parseArgs({ options: { studio: { type: 'boolean' }, training: { type: 'boolean' } } }).values;
const both = studio === training;
/** The second half's output, shown after the first's. */
const log: string[] = [];
const halves = await Promise.all([studio || both ? testStudio() : [], training || both ? testTraining(both ? log : undefined) : []]);
process.stdout.write(log.join(''));
const sum = (name: keyof Count): number => halves.flat().reduce((total, count) => total + count[name], 0);
console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
process.exitCode = sum('failed') === 0 ? 0 : 1;
