import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright';
import sharp from 'sharp';
import { launchChromium, setSteps, visit } from '../tests/support/chromium.ts';
import { peakBelow } from './memory-of.ts';
import { openPeers, PEERS, type PeerResult } from './peers.ts';

/** Megapixels of the result, at ×4; what the last ones need is minutes. */
const MEGAPIXELS = [0.25, 1, 4] as const;
const LARGE_MEGAPIXELS = [16, 50] as const;
const SCALE = 4;
const STEPS = 4;
/** What a camera of 12 megapixels gives, at ×2, in the page. */
const CAMERA = { height: 3072, width: 4096, scale: 2, steps: 2 } as const;
const CAMERA_LIMIT_MS = 3_600_000;

/** One run in a process of its own, and the peers on the same picture. */
export interface SizeRow {
  readonly megapixels: number;
  readonly size: string;
  /** Without preparing the model. */
  readonly seconds: number;
  readonly secondsPerMegapixel: number;
  readonly peakMegabytes: number;
  readonly plannedMegabytes: number;
  readonly peers: Readonly<Record<string, PeerResult>>;
}

/** A picture as a camera takes it, in Chromium on WASM. */
export interface CameraRow {
  readonly input: string;
  readonly output: string;
  readonly steps: number;
  readonly seconds: number;
  /** The longest that the page did not answer. */
  readonly longestTaskMs: number;
  /** Of all of Chromium's processes. */
  readonly peakMegabytes: number | null;
}

/** Results of growing size in Node, each from a picture scaled to it: time a megapixel, memory beside what was planned, and peers' times. */
export async function measureSizes(source: string, out: string, large: boolean): Promise<SizeRow[]> {
  mkdirSync(out, { recursive: true });
  const site = await openPeers();
  const lost = new Map<string, PeerResult>();
  const rows: SizeRow[] = [];
  for (const megapixels of large ? [...MEGAPIXELS, ...LARGE_MEGAPIXELS] : MEGAPIXELS) {
    const height = Math.round(Math.sqrt((megapixels * 1e6) / (4 / 3)) / SCALE);
    const width = Math.round((height * 4) / 3);
    const input = `${out}/${megapixels}.png`;
    await scaledTo(source, height, width, input);
    const words = ['tsx', 'cli/bin.ts', input, `${out}/${megapixels}-out.png`, '--scale', SCALE, '--steps', STEPS, '--json'];
    const { stdout, stderr, status } = spawnSync('npx', words.map(String), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`expected a run at ${megapixels} megapixels, got: ${stderr}`);
    const report = JSON.parse(stdout) as {
      readonly seconds: Readonly<Record<string, number>>;
      readonly peakMemoryBytes: number;
      readonly plannedPeakBytes: number;
    };
    const seconds = Object.entries(report.seconds).reduce((sum, [stage, spent]) => (stage === 'load' ? sum : sum + spent), 0);
    const made = (height * width * SCALE ** 2) / 1e6;
    const peers: Record<string, PeerResult> = {};
    for (const peer of PEERS) {
      // one that a smaller picture was too much for is not asked again
      peers[peer] = lost.get(peer) ?? (await site.run(peer, input, `${out}/${megapixels}-${peer.replaceAll(/\W+/g, '-')}.png`));
      if ('failure' in peers[peer]) lost.set(peer, peers[peer]);
    }
    rows.push({
      megapixels,
      size: `${height}×${width}`,
      seconds,
      secondsPerMegapixel: seconds / made,
      peakMegabytes: report.peakMemoryBytes / 1e6,
      plannedMegabytes: report.plannedPeakBytes / 1e6,
      peers,
    });
  }
  await site.close();
  return rows;
}

/** 12 megapixels to 50 in the page: whether it goes on answering, and what it takes. */
export async function measureCamera(url: string, source: string, out: string): Promise<CameraRow> {
  mkdirSync(out, { recursive: true });
  const { height, width, scale, steps } = CAMERA;
  const input = `${out}/camera.png`;
  const output = `${out}/camera-out.png`;
  await scaledTo(source, height, width, input);
  const { result, peakBytes } = await peakBelow(async () => {
    const browser = await launchChromium();
    try {
      const { page } = await visit(browser, url);
      page.setDefaultTimeout(CAMERA_LIMIT_MS);
      await watchTasks(page);
      await page.getByLabel('Picture file').first().setInputFiles(input);
      await page.getByRole('combobox', { name: 'Scale' }).selectOption(`${scale}`);
      await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
      await setSteps(page, steps);
      const began = performance.now();
      await page.getByRole('button', { name: 'Upscale' }).click();
      await page.getByRole('button', { name: 'Download' }).waitFor();
      const seconds = (performance.now() - began) / 1000;
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
      await download.saveAs(output);
      return { seconds, longestTaskMs: await page.evaluate(() => window.longestTaskMs) };
    } finally {
      await browser.close();
    }
  });
  const made = await sharp(output, { limitInputPixels: false }).metadata();
  const sides = `${made.height}×${made.width}`;
  return { input: `${height}×${width}`, output: sides, steps, ...result, peakMegabytes: peakBytes === null ? null : peakBytes / 1e6 };
}

declare global {
  interface Window {
    longestTaskMs: number;
  }
}

async function watchTasks(page: Page): Promise<void> {
  await page.evaluate(() => {
    window.longestTaskMs = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) window.longestTaskMs = Math.max(window.longestTaskMs, duration);
    }).observe({ type: 'longtask' });
  });
}

async function scaledTo(source: string, height: number, width: number, path: string): Promise<void> {
  await sharp(source).resize(width, height, { fit: 'cover' }).removeAlpha().png().toFile(path);
}

export function sizeTable(rows: readonly SizeRow[]): string {
  const head =
    `| Result (MP), ×${SCALE} | Input | s, ${STEPS} steps | s/MP | memory MB | planned MB | planned / measured | ${PEERS.map((peer) => `${peer}, s`).join(' | ')} |\n` +
    `|${'---|'.repeat(7 + PEERS.length)}`;
  const peerCell = (result: PeerResult | undefined): string =>
    result === undefined ? '–' : 'seconds' in result ? result.seconds.toFixed(1) : result.failure;
  const lines = rows.map(({ megapixels, size, seconds, secondsPerMegapixel, peakMegabytes, plannedMegabytes, peers }) =>
    [
      megapixels,
      size,
      seconds.toFixed(1),
      secondsPerMegapixel.toFixed(2),
      peakMegabytes.toFixed(0),
      plannedMegabytes.toFixed(0),
      (plannedMegabytes / peakMegabytes).toFixed(2),
      ...PEERS.map((peer) => peerCell(peers[peer])),
    ].join(' | '),
  );
  return [head, ...lines.map((line) => `| ${line} |`)].join('\n');
}

export function cameraTable({ input, output, steps, seconds, longestTaskMs, peakMegabytes }: CameraRow): string {
  const cells = [input, output, steps, seconds.toFixed(0), longestTaskMs.toFixed(0), peakMegabytes?.toFixed(0) ?? '–'];
  return `| In the page | Result | steps | s | longest task ms | Chromium MB |\n|---|---|---|---|---|---|\n| ${cells.join(' | ')} |`;
}

/** What is promised of time and memory over size, as sentences that say whether it held. */
export function sizeVerdicts(rows: readonly SizeRow[]): readonly string[] {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return [];
  const rates = rows.map(({ secondsPerMegapixel }) => secondsPerMegapixel);
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const off = Math.max(...rates.map((rate) => Math.abs(rate / mean - 1)));
  const ratios = rows.map(({ plannedMegabytes, peakMegabytes }) => plannedMegabytes / peakMegabytes);
  const beyond = Math.max(...ratios.map((ratio) => Math.abs(ratio - 1)));
  const large = rows.filter(({ megapixels }) => megapixels >= 4);
  const memory = (large.at(-1)?.peakMegabytes ?? 0) - (large[0]?.peakMegabytes ?? 0);
  const pixels = (large.at(-1)?.megapixels ?? 0) - (large[0]?.megapixels ?? 0);
  const sentence = (holds: boolean, what: string): string => `${holds ? 'holds' : 'DOES NOT HOLD'}: ${what}`;
  return [
    sentence(off <= 0.15, `seconds a megapixel within 15 % of their mean: ${(100 * off).toFixed(0)} % off at most`),
    sentence(beyond <= 0.25, `measured peak within 25 % of the plan: ${(100 * beyond).toFixed(0)} % off at most`),
    ...(pixels > 0 ? [`memory beyond 4 megapixels: ${(memory / pixels).toFixed(1)} bytes a pixel of the result`] : []),
  ];
}
