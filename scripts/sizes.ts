import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import sharp from 'sharp';

/** Megapixels of the result, at ×2; what the last is needs minutes. */
const MEGAPIXELS = [0.25, 1, 4] as const;
const LARGE_MEGAPIXELS = [16, 50] as const;
const SCALE = 2;
const STEPS = 4;

/** One run in a process of its own. */
export interface SizeRow {
  readonly megapixels: number;
  readonly size: string;
  /** Without preparing the model. */
  readonly seconds: number;
  readonly secondsPerMegapixel: number;
  readonly peakMegabytes: number;
  readonly plannedMegabytes: number;
}

/** Results of growing size in Node, each from a picture scaled to it: time a megapixel, and memory beside what was planned. */
export async function measureSizes(source: string, out: string, large: boolean): Promise<SizeRow[]> {
  mkdirSync(out, { recursive: true });
  const rows: SizeRow[] = [];
  for (const megapixels of large ? [...MEGAPIXELS, ...LARGE_MEGAPIXELS] : MEGAPIXELS) {
    const height = Math.round(Math.sqrt((megapixels * 1e6) / (4 / 3)) / SCALE);
    const width = Math.round((height * 4) / 3);
    const input = `${out}/${megapixels}.png`;
    await sharp(source).resize(width, height, { fit: 'cover' }).removeAlpha().png().toFile(input);
    const words = ['tsx', 'cli/upscale.ts', input, `${out}/${megapixels}-out.png`, '--scale', SCALE, '--steps', STEPS, '--json'];
    const { stdout, stderr, status } = spawnSync('npx', words.map(String), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`expected a run at ${megapixels} megapixels, got: ${stderr}`);
    const report = JSON.parse(stdout) as {
      readonly seconds: Readonly<Record<string, number>>;
      readonly peakMemoryBytes: number;
      readonly plannedPeakBytes: number;
    };
    const seconds = Object.entries(report.seconds).reduce((sum, [stage, spent]) => (stage === 'load' ? sum : sum + spent), 0);
    const made = (height * width * SCALE ** 2) / 1e6;
    rows.push({
      megapixels,
      size: `${height}×${width}`,
      seconds,
      secondsPerMegapixel: seconds / made,
      peakMegabytes: report.peakMemoryBytes / 1e6,
      plannedMegabytes: report.plannedPeakBytes / 1e6,
    });
  }
  return rows;
}

export function sizeTable(rows: readonly SizeRow[]): string {
  const head = `| Result (MP), ×${SCALE}, ${STEPS} steps | Input | s | s/MP | memory MB | planned MB | planned / measured |\n|---|---|---|---|---|---|---|`;
  const lines = rows.map(({ megapixels, size, seconds, secondsPerMegapixel, peakMegabytes, plannedMegabytes }) =>
    [
      megapixels,
      size,
      seconds.toFixed(1),
      secondsPerMegapixel.toFixed(2),
      peakMegabytes.toFixed(0),
      plannedMegabytes.toFixed(0),
      (plannedMegabytes / peakMegabytes).toFixed(2),
    ].join(' | '),
  );
  return [head, ...lines.map((line) => `| ${line} |`)].join('\n');
}
