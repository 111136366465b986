import type { Browser } from 'playwright';
import { FolderFiles } from '../cli/folder-files.ts';
import { nodeRuntime } from '../cli/ort.ts';
import { readPicture } from '../cli/pictures.ts';
import { isHere } from '../src/core/arithmetic.ts';
import { elementCount } from '../src/core/tensor.ts';
import { defaultRequest } from '../src/protocol/default-request.ts';
import type { RunEvent } from '../src/protocol/events.ts';
import { launchChromium, setSteps, TIMEOUT_MS, visit } from '../tests/support/chromium.ts';
import { countTraffic, timesOf, trafficOf } from '../tests/support/gpu-traffic.ts';
import { Engine } from '../workers/engine.ts';
import type { Feeds, OrtRuntime, Outputs } from '../workers/sessions/runtime.ts';

/** What a step costs outside its graphs, and what crosses between the processor and where graphs compute. */
export interface StepCost {
  readonly what: string;
  readonly graphMs: number;
  readonly outsideMs: number;
  readonly upBytes: number;
  readonly downBytes: number;
}

type Times = Pick<Extract<RunEvent, { type: 'done' }>, 'timings' | 'graphSeconds'>;

/** Two runs that differ in their steps alone: what more the longer takes is its steps'. */
const STEPS = [2, 12] as const;
/** Where a processor plays the graphics card, steps take seconds. */
const FEW_STEPS = [1, 3] as const;

function costOf(
  what: string,
  [few, many]: readonly [number, number],
  [short, long]: readonly [Times, Times],
  bytes: { readonly up: number; readonly down: number },
): StepCost {
  const denoised = ({ timings }: Times): number => timings.find(({ stage }) => stage === 'denoise')?.seconds ?? Number.NaN;
  const perStep = (seconds: number): number => (1000 * seconds) / (many - few);
  const graphMs = perStep(long.graphSeconds - short.graphSeconds);
  return { what, graphMs, outsideMs: perStep(denoised(long) - denoised(short)) - graphMs, upBytes: bytes.up, downBytes: bytes.down };
}

/** Of a model in Node, with previews as in the page. Sessions there, and those on WASM, copy their feeds in and their outputs out. */
export async function nodeStepCost(models: string, bundleId: string, picture: string): Promise<StepCost> {
  let [up, down] = [0, 0];
  const bytesOf = (tensors: Feeds | Outputs): number =>
    Object.values(tensors).reduce((sum, tensor) => sum + ('data' in tensor ? tensor.data.byteLength : 4 * elementCount(tensor.dims)), 0);
  const counted: OrtRuntime = {
    async create(...words) {
      const session = await nodeRuntime.create(...words);
      const run = async (feeds: Feeds): Promise<Outputs> => {
        const outputs = await session.run(feeds);
        up += bytesOf(feeds);
        if (Object.values(outputs).every(isHere)) down += bytesOf(outputs);
        return outputs;
      };
      return { ...session, run };
    },
  };
  const engine = new Engine(counted, ['cpu'], new FolderFiles(models));
  const request = {
    ...defaultRequest((await engine.bundle(bundleId)).manifest, (await readPicture(picture)).image),
    preview: 'bands' as const,
  };
  const timed = async (steps: number): Promise<Times & { readonly up: number; readonly down: number }> => {
    [up, down] = [0, 0];
    let done: Times | null = null;
    const hear = async (event: RunEvent): Promise<void> => {
      if (event.type === 'done') done = event;
    };
    await engine.run([{ runId: 'steps', bundleId }], { ...request, steps }, hear, new AbortController().signal);
    if (done === null) throw new Error('expected a run to end');
    return { ...(done as Times), up, down };
  };
  await timed(STEPS[0]);
  const [short, long] = [await timed(STEPS[0]), await timed(STEPS[1])];
  await engine.dispose();
  const more = STEPS[1] - STEPS[0];
  const bytes = { up: (long.up - short.up) / more, down: (long.down - short.down) / more };
  return costOf(`${bundleId}, Node`, STEPS, [short, long], bytes);
}

/** The same in Chromium; on WASM what crosses is what Node counts. */
export async function chromiumStepCost(
  url: string,
  bundleId: string,
  picture: string,
  backend: 'wasm-threads' | 'webgpu',
  copied: Pick<StepCost, 'upBytes' | 'downBytes'>,
): Promise<StepCost> {
  const softwareGpu = backend === 'webgpu';
  const browser: Browser = await launchChromium({ softwareGpu });
  try {
    const { page } = await visit(browser, 'about:blank', { before: countTraffic });
    page.setDefaultTimeout(5 * TIMEOUT_MS);
    await page.goto(`${url}?backend=${backend}`);
    await page.getByLabel('Picture file').first().setInputFiles(picture);
    await page.getByRole('combobox', { name: 'Model' }).selectOption(bundleId);
    const counts = softwareGpu ? FEW_STEPS : STEPS;
    const timed = async (steps: number): Promise<Times> => {
      await setSteps(page, steps);
      await page.getByRole('button', { name: 'Upscale', disabled: false }).click();
      await page.getByRole('button', { name: 'Cancel' }).waitFor();
      await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
      return timesOf(page);
    };
    // the first run compiles
    await timed(counts[0]);
    const [short, long] = [await timed(counts[0]), await timed(counts[1])];
    // what comes after the last step is decoding
    const last = (await trafficOf(page)).at(-2);
    const sum = (bytes: readonly number[] = []): number => bytes.reduce((total, one) => total + one, 0);
    const bytes = softwareGpu ? { up: sum(last?.up), down: sum(last?.down) } : { up: copied.upBytes, down: copied.downBytes };
    return costOf(`${bundleId}, Chromium ${softwareGpu ? 'WebGPU in software' : 'WASM'}`, counts, [short, long], bytes);
  } finally {
    await browser.close();
  }
}

/** The rows as a Markdown table. */
export function stepCostTable(rows: readonly StepCost[]): string {
  const head = '| A step | in graphs ms | outside ms | outside % | kB up | kB down |\n|---|---|---|---|---|---|';
  const lines = rows.map(({ what, graphMs, outsideMs, upBytes, downBytes }) => {
    const share = (100 * outsideMs) / (graphMs + outsideMs);
    const cells = [
      what,
      graphMs.toFixed(1),
      outsideMs.toFixed(2),
      share.toFixed(1),
      (upBytes / 1000).toFixed(1),
      (downBytes / 1000).toFixed(1),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [head, ...lines].join('\n');
}
