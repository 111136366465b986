// Speeds and memory of this machine, measured in one run: seconds per stage and step in Node and in Chromium (WASM, one and two
// threads), beside them bicubic and the browser's other upscalers, with the same quality measures, every shipped bundle, and results of growing
// size (`--large`: to 50 megapixels, and a camera's picture in the page). JSON and tables in artifacts/. Exit code 1 where runtimes disagree.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import sharp from 'sharp';
import { build, preview } from 'vite';
import { FolderFiles } from '../cli/folder-files.ts';
import { nodeRuntime } from '../cli/ort.ts';
import { readPicture } from '../cli/pictures.ts';
import { psnrY, ssimY } from '../src/core/metrics.ts';
import { resizePicture } from '../src/core/resize.ts';
import { defaultRequest } from '../src/protocol/default-request.ts';
import type { Image8, RestoreRequest } from '../src/protocol/request.ts';
import { launchChromium, visit } from '../tests/support/chromium.ts';
import { Engine } from '../workers/engine.ts';
import { measureSteps } from './measure-steps.ts';
import { largestDistance, type ModelRow, measureModels, modelTable, PARITY_LEVELS } from './models.ts';
import { openPeers, PEERS, type PeersSite } from './peers.ts';
import { cameraTable, measureCamera, measureSizes, sizeTable, sizeVerdicts } from './sizes.ts';
import { stepCostTable } from './step-costs.ts';
import { timedRun } from './timed-run.ts';

const SIZES = [
  [128, 128],
  [192, 256],
] as const;
const STEPS = 20;
const GUIDANCE = 2;
const PAIR = ['seesr-mini', 'seesr-mini-rfsr'] as const;
const OUT = 'artifacts/bench';
/** The photograph that every input is made from. Quality is measured where it is large enough to hold the truth at four times the input. */
const SOURCE = process.argv.slice(2).find((word) => !word.startsWith('--')) ?? 'public/samples/cat.jpg';
/** What a phone or the web does to a picture: soft, smaller, compressed. */
const BLUR_SIGMA = 1.2;
const JPEG_QUALITY = 70;

interface Row {
  readonly what: string;
  readonly size: string;
  readonly seconds: number;
  readonly stepSeconds: number | null;
  /** From the page's start until a picture can be given to it. */
  readonly interactiveSeconds: number | null;
  readonly firstPreviewSeconds: number | null;
  readonly inGraphsPercent: number | null;
  readonly peakMegabytes: number | null;
  readonly psnr: number | null;
  readonly ssim: number | null;
  readonly stages: Readonly<Record<string, number>>;
}

const rows: Row[] = [];
const pairs: PairRow[] = [];
let models: readonly ModelRow[] = [];
mkdirSync(OUT, { recursive: true });

interface Pair {
  readonly path: string;
  /** 4h × 4w; null where the source is smaller. */
  readonly truth: Image8 | null;
}

/** An h × w input from the middle of the source, degraded, and its truth, both written to disk. */
async function pair(height: number, width: number): Promise<Pair> {
  const path = `${OUT}/${height}x${width}.png`;
  const truthPath = `${OUT}/${height}x${width}-truth.png`;
  const source = await sharp(SOURCE).metadata();
  await sharp(SOURCE)
    .resize(4 * width, 4 * height, { fit: 'cover' })
    .png()
    .toFile(truthPath);
  // sharp reduces before it blurs, whatever the order of the calls: hence in two steps
  const soft = await sharp(truthPath).blur(BLUR_SIGMA).png().toBuffer();
  const small = await sharp(soft).resize(width, height, { kernel: 'cubic' }).jpeg({ quality: JPEG_QUALITY }).toBuffer();
  await sharp(small).png().toFile(path);
  const whole = source.height >= 4 * height && source.width >= 4 * width;
  return { path, truth: whole ? (await readPicture(truthPath)).image : null };
}

function quality(image: Image8, truth: Image8 | null): { psnr: number | null; ssim: number | null } {
  return truth === null ? { psnr: null, ssim: null } : { psnr: psnrY(image, truth), ssim: ssimY(image, truth) };
}

function sum(stages: Readonly<Record<string, number>>): number {
  return Object.values(stages).reduce((total, seconds) => total + seconds, 0);
}

const NO_STEPS = {
  stepSeconds: null,
  interactiveSeconds: null,
  firstPreviewSeconds: null,
  inGraphsPercent: null,
  peakMegabytes: null,
  stages: {},
};

function bicubic(image: Image8, truth: Image8 | null, size: string): Row {
  const began = performance.now();
  const result = resizePicture(image, 4 * image.height, 4 * image.width, 'bicubic');
  const seconds = (performance.now() - began) / 1000;
  return { what: 'bicubic', size, seconds, ...NO_STEPS, ...quality(result, truth) };
}

async function inNode(path: string, truth: Image8 | null, size: string): Promise<Row> {
  const output = `${OUT}/node.png`;
  const words = ['--import', 'tsx', 'cli/bin.ts', path, output, '--steps', `${STEPS}`, '--guidance', `${GUIDANCE}`, '--json'];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  const report = JSON.parse(stdout) as { seconds: Record<string, number>; graphSeconds: number; peakMemoryBytes: number };
  const { load: _, ...stages } = report.seconds;
  return {
    what: 'SeeSR mini, Node',
    size,
    seconds: sum(stages),
    stepSeconds: (stages['denoise'] ?? 0) / STEPS,
    interactiveSeconds: null,
    firstPreviewSeconds: null,
    inGraphsPercent: (100 * report.graphSeconds) / sum(stages),
    peakMegabytes: report.peakMemoryBytes / 1e6,
    ...quality((await readPicture(output)).image, truth),
    stages,
  };
}

/** A warm second run in the page: models cached and compiled, as a person has them after the first picture. */
async function inChromium(url: string, path: string, truth: Image8 | null, size: string, threads: number): Promise<Row> {
  const browser = await launchChromium();
  try {
    const { page } = await visit(browser, threads === 1 ? `${url}?backend=wasm` : url);
    await page.getByLabel('Picture file').first().waitFor({ state: 'attached' });
    const interactiveSeconds = await page.evaluate(() => performance.now() / 1000);
    await page.getByLabel('Picture file').first().setInputFiles(path);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
    await page.getByRole('spinbutton', { name: 'Guidance' }).fill(`${GUIDANCE}`);
    for (const run of ['first', 'warm']) {
      const { seconds, firstPreviewSeconds, inGraphsPercent } = await timedRun(page);
      if (run === 'first') continue;
      const memory = await page.evaluate(() =>
        (performance as unknown as { measureUserAgentSpecificMemory?(): Promise<{ bytes: number }> }).measureUserAgentSpecificMemory?.(),
      );
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
      const output = `${OUT}/chromium-${threads}.png`;
      await download.saveAs(output);
      return {
        what: `SeeSR mini, Chromium WASM, ${threads} thread${threads === 1 ? '' : 's'}`,
        size,
        seconds: sum(seconds),
        stepSeconds: (seconds['denoise'] ?? 0) / STEPS,
        interactiveSeconds,
        firstPreviewSeconds,
        inGraphsPercent,
        peakMegabytes: memory === undefined ? null : memory.bytes / 1e6,
        ...quality((await readPicture(output)).image, truth),
        stages: seconds,
      };
    }
    throw new Error('no warm run');
  } finally {
    await browser.close();
  }
}

/** One model against base and RFSR together, both warm, in one process or page. */
interface PairRow {
  readonly what: string;
  readonly size: string;
  readonly oneSeconds: number;
  readonly pairSeconds: number;
  readonly ratio: number;
}

function pairRow(what: string, size: string, oneSeconds: number, pairSeconds: number): PairRow {
  return { what, size, oneSeconds, pairSeconds, ratio: pairSeconds / oneSeconds };
}

async function pairInNode(path: string, size: string): Promise<PairRow> {
  const engine = new Engine(nodeRuntime, ['cpu'], new FolderFiles('public/models'));
  const image = (await readPicture(path)).image;
  const defaults = defaultRequest((await engine.bundle(PAIR[0])).manifest, image);
  const request: RestoreRequest = { ...defaults, steps: STEPS, guidance: GUIDANCE, preview: 'bands' };
  const timed = async (bundles: readonly string[]): Promise<number> => {
    const began = performance.now();
    const lanes = bundles.map((bundleId) => ({ runId: bundleId, bundleId }));
    await engine.run(lanes, request, async () => {}, new AbortController().signal);
    return (performance.now() - began) / 1000;
  };
  await timed(PAIR);
  const row = pairRow('Node', size, await timed([PAIR[0]]), await timed(PAIR));
  await engine.dispose();
  return row;
}

async function pairInChromium(url: string, path: string, size: string): Promise<PairRow> {
  const browser = await launchChromium();
  try {
    const { page } = await visit(browser, url);
    await page.getByLabel('Picture file').first().setInputFiles(path);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
    await page.getByRole('spinbutton', { name: 'Guidance' }).fill(`${GUIDANCE}`);
    const warm = async (): Promise<number> => {
      await timedRun(page);
      return sum((await timedRun(page)).seconds);
    };
    const one = await warm();
    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.getByText('Compare base and RFSR').click();
    return pairRow('Chromium WASM', size, one, await warm());
  } finally {
    await browser.close();
  }
}

/** Memory that fine-tuning needs: of full size counted, of the mini measured. Null where the training package is not installed. */
function finetuning(): { readonly needs: readonly Record<string, unknown>[]; readonly measured: Record<string, unknown> } | null {
  const out = `${process.cwd()}/${OUT}/finetune.json`;
  const words = ['-W', 'ignore', '-m', 'rfsr', 'needs', '--batch', '2', '--measure', '../public/models/seesr-mini', '--out', out];
  const { status } = spawnSync('python3', words, { cwd: 'training', stdio: ['ignore', 'ignore', 'ignore'] });
  return status === 0 ? JSON.parse(readFileSync(out, 'utf8')) : null;
}

async function peersInChromium(site: PeersSite, path: string, truth: Image8 | null, size: string): Promise<readonly Row[]> {
  const found: Row[] = [];
  for (const peer of PEERS) {
    const output = `${OUT}/${peer.replaceAll(/\W+/g, '-')}${size}.png`;
    const result = await site.run(peer, path, output);
    if ('failure' in result) throw new Error(`${peer}: ${result.failure}`);
    const { seconds } = result;
    found.push({ what: `${peer}, Chromium WASM`, size, seconds, ...NO_STEPS, ...quality((await readPicture(output)).image, truth) });
  }
  return found;
}

function pairTable(): string {
  const head = '| A pair | Input | one s | pair s | ratio |\n|---|---|---|---|---|';
  const lines = pairs.map(
    ({ what, size, oneSeconds, pairSeconds, ratio }) =>
      `| ${what} | ${size} | ${oneSeconds.toFixed(2)} | ${pairSeconds.toFixed(2)} | ${ratio.toFixed(2)} |`,
  );
  return [head, ...lines].join('\n');
}

function table(): string {
  const number = (value: number | null, digits: number) => (value === null ? '–' : value.toFixed(digits));
  const head =
    '| What | Input | s | s/step | interactive s | first preview s | in graphs % | memory MB | PSNR | SSIM |\n|---|---|---|---|---|---|---|---|---|---|';
  const lines = rows.map((row) =>
    [
      row.what,
      row.size,
      number(row.seconds, 2),
      number(row.stepSeconds, 3),
      number(row.interactiveSeconds, 2),
      number(row.firstPreviewSeconds, 2),
      number(row.inGraphsPercent, 0),
      number(row.peakMegabytes, 0),
      number(row.psnr, 2),
      number(row.ssim, 4),
    ].join(' | '),
  );
  return [head, ...lines.map((line) => `| ${line} |`)].join('\n');
}

await build({ logLevel: 'error' });
const server = await preview({ logLevel: 'error', preview: { port: 0, strictPort: false } });
const url = server.resolvedUrls?.local[0];
if (url === undefined) throw new Error('expected an address');
const peersSite = await openPeers();
for (const [height, width] of SIZES) {
  const { truth, path } = await pair(height, width);
  const size = `${height}×${width}`;
  rows.push(bicubic((await readPicture(path)).image, truth, size));
  rows.push(await inNode(path, truth, size));
  for (const threads of cpus().length > 1 ? [1, cpus().length] : [1]) rows.push(await inChromium(url, path, truth, size, threads));
  rows.push(...(await peersInChromium(peersSite, path, truth, size)));
  pairs.push(await pairInNode(path, size), await pairInChromium(url, path, size));
  if (models.length === 0) models = await measureModels(url, path, truth, `${OUT}/models`);
}
await peersSite.close();
const large = process.argv.includes('--large');
const sizes = await measureSizes(SOURCE, `${OUT}/sizes`, large);
const camera = large ? await measureCamera(url, SOURCE, `${OUT}/sizes`) : null;
await server.close();
const stepCosts = await measureSteps(SOURCE, `${OUT}/steps`);
const training = finetuning();
const command = ['npm run bench --', ...process.argv.slice(2)].join(' ');
writeFileSync(
  `${OUT}/bench.json`,
  JSON.stringify(
    {
      command,
      cpus: cpus().map(({ model }) => model),
      steps: STEPS,
      guidance: GUIDANCE,
      rows,
      pairs,
      models,
      sizes,
      stepCosts,
      camera,
      training,
    },
    null,
    1,
  ),
);
const apart = largestDistance(models);
const report = [
  table(),
  pairTable(),
  modelTable(models),
  [sizeTable(sizes), '', ...sizeVerdicts(sizes)].join('\n'),
  stepCostTable(stepCosts),
  ...(camera === null ? [] : [cameraTable(camera)]),
  `${apart <= PARITY_LEVELS ? 'holds' : 'DOES NOT HOLD'}: runtimes within ${PARITY_LEVELS} level of 255 in the mean: ${apart.toExponential(1)} at most`,
  `Fine-tuning: ${training === null ? 'the training package is not installed' : JSON.stringify(training)}`,
].join('\n\n');
writeFileSync(`${OUT}/bench.md`, `${report}\n`);
console.log(`${report}\n\n${command}; ${STEPS} steps, guidance ${GUIDANCE}; details in ${OUT}/bench.json`);
process.exitCode = apart <= PARITY_LEVELS ? 0 : 1;
