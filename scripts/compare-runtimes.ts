// One request with the shipped mini on PyTorch, onnxruntime-node and Chromium (WASM): how far the three pictures are apart, in levels of
// 255. Prints JSON; with a file's name it adds the figures to that file, in the form `rfsr export --quality` takes.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { build, preview } from 'vite';
import { launchChromium, visit } from '../tests/support/chromium.ts';

const BUNDLE = 'public/models/seesr-mini';
const OUT = 'artifacts/runtimes';
const INPUT = `${OUT}/in/astronaut.png`;

function call(command: string, words: readonly string[], cwd = '.'): void {
  const { status, stderr } = spawnSync(command, words, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${words.join(' ')}: ${stderr}`);
}

async function inChromium(output: string): Promise<void> {
  await build({ logLevel: 'error' });
  const server = await preview({ logLevel: 'error', preview: { port: 0, strictPort: false } });
  const browser = await launchChromium();
  const { page } = await visit(browser, server.resolvedUrls?.local[0] ?? '');
  await page.getByLabel('Picture file').first().setInputFiles(INPUT);
  await page.getByRole('button', { name: 'Upscale', disabled: false }).click();
  await page.getByRole('button', { name: 'Download' }).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
  await download.saveAs(output);
  await browser.close();
  await server.close();
}

/** Mean and largest absolute difference of two pictures' RGB. */
async function difference(a: string, b: string): Promise<{ mean: number; max: number }> {
  const [x, y] = await Promise.all([a, b].map((path) => sharp(path).removeAlpha().raw().toBuffer()));
  if (x === undefined || y === undefined || x.length !== y.length) throw new Error(`expected two pictures of one size: ${a}, ${b}`);
  const distances = x.map((value, i) => Math.abs(value - (y[i] ?? 0)));
  const sum = distances.reduce((total, distance) => total + distance, 0);
  return { mean: sum / x.length, max: distances.reduce((largest, distance) => Math.max(largest, distance), 0) };
}

mkdirSync(`${OUT}/in`, { recursive: true });
await sharp('public/samples/astronaut.jpg').removeAlpha().png().toFile(INPUT);
const python = ['-m', 'rfsr', 'evaluate', '--inputs', `../${OUT}/in`, '--bundle', `../${BUNDLE}`];
call('python3', [...python, '--save', `../${OUT}`, '--out', `../${OUT}/evaluate.json`], 'training');
call(process.execPath, ['--import', 'tsx', 'cli/upscale.ts', INPUT, `${OUT}/node.png`]);
await inChromium(`${OUT}/chromium.png`);

const pictures = { python: `${OUT}/seesr-mini/astronaut.png`, node: `${OUT}/node.png`, chromium: `${OUT}/chromium.png` };
const runtimes = {
  input: 'public/samples/astronaut.jpg',
  settings: "the bundle's defaults, seed 42",
  levels: 255,
  pythonNode: await difference(pictures.python, pictures.node),
  pythonChromium: await difference(pictures.python, pictures.chromium),
  nodeChromium: await difference(pictures.node, pictures.chromium),
};
console.log(JSON.stringify(runtimes, null, 1));
const target = process.argv[2];
if (target !== undefined) {
  const quality = existsSync(target) ? JSON.parse(readFileSync(target, 'utf8')) : {};
  writeFileSync(target, `${JSON.stringify({ ...quality, runtimes }, null, 1)}\n`);
}
