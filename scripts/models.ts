// Every shipped bundle on one picture with its own defaults, in PyTorch, in Node and in Chromium: how long a step takes, how good the result
// is, and how far the three results are apart.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Page } from 'playwright-core';
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
  readonly nodeChromium: Distance;
  /** Null where the training package is not installed. */
  readonly pythonNode: Distance | null;
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
      const node = inNode(id, input, `${out}/${id}-node.png`);
      const chromium = await inChromium(page, id, `${out}/${id}-chromium.png`);
      const result = (await readPicture(`${out}/${id}-node.png`)).image;
      const picture = `${out}/${id}/${basename(input).replace(/\.\w+$/, '.png')}`;
      rows.push({
        id,
        megabytes: sizeBytes / 1e6,
        steps: node.steps,
        nodeStepSeconds: node.denoiseSeconds / node.steps,
        chromiumStepSeconds: chromium / node.steps,
        psnr: truth === null ? null : psnrY(result, truth),
        ssim: truth === null ? null : ssimY(result, truth),
        nodeChromium: await distance(`${out}/${id}-node.png`, `${out}/${id}-chromium.png`),
        pythonNode: python ? await distance(picture, `${out}/${id}-node.png`) : null,
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
  const { status } = spawnSync('python3', [...words, '--save', `${here}/${out}`, '--out', `${here}/${out}/evaluate.json`], {
    cwd: 'training',
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  return copied && status === 0;
}

function inNode(id: string, input: string, output: string): { readonly steps: number; readonly denoiseSeconds: number } {
  const words = ['--import', 'tsx', 'cli/upscale.ts', input, output, '--model', id, '--json'];
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

/** The rows as a Markdown table. */
export function modelTable(rows: readonly ModelRow[]): string {
  const apart = (found: Distance | null): string => (found === null ? '–' : `${found.mean.toExponential(1)} (${found.max})`);
  const head =
    '| Model | MB | steps | s/step, Node | s/step, Chromium WASM | PSNR | SSIM | Node–Chromium mean (max) | Python–Node mean (max) |\n' +
    '|---|---|---|---|---|---|---|---|---|';
  const lines = rows.map((row) => {
    const { id, megabytes, steps, nodeStepSeconds, chromiumStepSeconds, psnr, ssim, nodeChromium, pythonNode } = row;
    const cells = [
      id,
      megabytes.toFixed(1),
      steps,
      nodeStepSeconds.toFixed(3),
      chromiumStepSeconds.toFixed(3),
      psnr?.toFixed(2) ?? '–',
      ssim?.toFixed(4) ?? '–',
      apart(nodeChromium),
      apart(pythonNode),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [head, ...lines].join('\n');
}
