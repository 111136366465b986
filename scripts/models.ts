// Every shipped bundle on one picture with its own defaults, in PyTorch, in Node and in Chromium: how long a step takes, how good the result
// is, and how far the three results are apart.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Page } from 'playwright';
import sharp from 'sharp';
import { readPicture } from '../cli/pictures.ts';
import { psnrY, ssimY } from '../src/core/metrics.ts';
import { parseIndex } from '../src/protocol/manifest.ts';
import type { Image8 } from '../src/protocol/request.ts';
import { launchChromium, visit } from '../tests/support/chromium.ts';
import { timedRun } from './timed-run.ts';

const MODELS = 'public/models';

/** How far two pictures are apart, in levels of 255. */
export interface Distance {
  readonly mean: number;
  readonly max: number;
}

export interface ModelRow {
  readonly id: string;
  readonly megabytes: number;
  readonly steps: number;
  readonly nodeStepSeconds: number;
  readonly chromiumStepSeconds: number;
  readonly psnr: number | null;
  readonly ssim: number | null;
  /** Means over Kodak24 as the bundle's manifest has them, from `rfsr evaluate`. */
  readonly kodak24: Readonly<Record<string, number>>;
  readonly nodeChromium: Distance;
  /** Null where the training package is not installed, like the next. */
  readonly pythonNode: Distance | null;
  readonly pythonChromium: Distance | null;
}

/** `input`: a picture's file; `truth`: what its ×4 should be, where that is known; `out`: a folder for the results. */
export async function measureModels(url: string, input: string, truth: Image8 | null, out: string): Promise<readonly ModelRow[]> {
  const { bundles } = parseIndex(readFileSync(`${MODELS}/index.json`, 'utf8'));
  mkdirSync(out, { recursive: true });
  const python = inPython(
    bundles.map(({ id }) => id),
    input,
    out,
  );
  const browser = await launchChromium();
  const rows: ModelRow[] = [];
  try {
    const { page } = await visit(browser, url);
    await page.getByLabel('Picture file').first().setInputFiles(input);
    for (const { id, sizeBytes } of bundles) {
      const [nodePng, chromiumPng] = [`${out}/${id}-node.png`, `${out}/${id}-chromium.png`];
      const pythonPng = `${out}/${id}/${basename(input).replace(/\.\w+$/, '.png')}`;
      const node = inNode(id, input, nodePng);
      const chromium = await inChromium(page, id, chromiumPng);
      const result = (await readPicture(nodePng)).image;
      rows.push({
        id,
        megabytes: sizeBytes / 1e6,
        steps: node.steps,
        nodeStepSeconds: node.denoiseSeconds / node.steps,
        chromiumStepSeconds: chromium / node.steps,
        psnr: truth === null ? null : psnrY(result, truth),
        ssim: truth === null ? null : ssimY(result, truth),
        kodak24: measuredQuality(id),
        nodeChromium: await distance(nodePng, chromiumPng),
        pythonNode: python ? await distance(pythonPng, nodePng) : null,
        pythonChromium: python ? await distance(pythonPng, chromiumPng) : null,
      });
    }
  } finally {
    await browser.close();
  }
  return rows;
}

/** Whether the training package could run every bundle; results are out/ID/NAME.png. */
function inPython(ids: readonly string[], input: string, out: string): boolean {
  const here = process.cwd();
  const folder = `${here}/${out}/input`;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const copied = spawnSync('cp', [input, folder]).status === 0;
  const bundles = ids.flatMap((id) => ['--bundle', `../${MODELS}/${id}`]);
  const words = ['-W', 'ignore', '-m', 'rfsr', 'evaluate', '--inputs', folder, '--metrics', 'niqe', ...bundles];
  const { status, stderr } = spawnSync('python3', [...words, '--save', `${here}/${out}`, '--out', `${here}/${out}/evaluate.json`], {
    cwd: 'training',
    encoding: 'utf8',
  });
  if (status !== 0) console.error(`Python is left out: ${stderr.trim().split('\n').at(-1)}`);
  return copied && status === 0;
}

function measuredQuality(id: string): Readonly<Record<string, number>> {
  const { quality } = JSON.parse(readFileSync(`${MODELS}/${id}/manifest.json`, 'utf8')) as {
    readonly quality: { readonly sets: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>> };
  };
  return quality.sets['kodak24']?.[id] ?? {};
}

function inNode(id: string, input: string, output: string): { readonly steps: number; readonly denoiseSeconds: number } {
  const words = ['--import', 'tsx', 'cli/bin.ts', input, output, '--model', id, '--json'];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${dirname(output)}: ${stderr}`);
  const { steps, seconds } = JSON.parse(stdout) as { steps: number; seconds: Record<string, number> };
  return { steps, denoiseSeconds: seconds['denoise'] ?? 0 };
}

/** Seconds of a second, warm run's denoising. */
async function inChromium(page: Page, id: string, output: string): Promise<number> {
  await page.getByRole('combobox', { name: 'Model' }).selectOption(id);
  await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
  await timedRun(page);
  const { seconds } = await timedRun(page);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
  await download.saveAs(output);
  return seconds['denoise'] ?? 0;
}

async function distance(a: string, b: string): Promise<Distance> {
  const [x, y] = await Promise.all([a, b].map((path) => sharp(path).removeAlpha().raw().toBuffer()));
  if (x === undefined || y === undefined || x.length !== y.length) throw new Error(`expected two pictures of one size: ${a}, ${b}`);
  let [sum, max] = [0, 0];
  for (const [i, value] of x.entries()) {
    const apart = Math.abs(value - (y[i] ?? 0));
    sum += apart;
    max = Math.max(max, apart);
  }
  return { mean: sum / x.length, max };
}

/** What every pair of runtimes may differ by on the same request. */
export const PARITY_LEVELS = 1;

/** The largest mean distance of any two runtimes on any model. */
export function largestDistance(rows: readonly ModelRow[]): number {
  return Math.max(...rows.flatMap((row) => [row.nodeChromium, row.pythonNode, row.pythonChromium].map((found) => found?.mean ?? 0)));
}

/** The rows as a Markdown table. */
export function modelTable(rows: readonly ModelRow[]): string {
  const apart = (found: Distance | null): string => (found === null ? '–' : `${found.mean.toExponential(1)} (${found.max})`);
  const head =
    '| Model | MB | steps | s/step, Node | s/step, Chromium WASM | PSNR | SSIM | Kodak24: PSNR | fd | NIQE | Node–Chromium mean (max) | Python–Node | Python–Chromium |\n' +
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|';
  const lines = rows.map((row) => {
    const { id, megabytes, steps, nodeStepSeconds, chromiumStepSeconds, psnr, ssim, kodak24 } = row;
    const cells = [
      id,
      megabytes.toFixed(1),
      steps,
      nodeStepSeconds.toFixed(3),
      chromiumStepSeconds.toFixed(3),
      psnr?.toFixed(2) ?? '–',
      ssim?.toFixed(4) ?? '–',
      kodak24['psnr']?.toFixed(2) ?? '–',
      kodak24['fd']?.toFixed(3) ?? '–',
      kodak24['niqe']?.toFixed(2) ?? '–',
      ...[row.nodeChromium, row.pythonNode, row.pythonChromium].map(apart),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [head, ...lines].join('\n');
}
