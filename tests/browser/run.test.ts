import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser } from 'playwright';
import sharp, { type OutputInfo } from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { FolderFiles } from '../../cli/folder-files.ts';
import { nodeRuntime } from '../../cli/ort.ts';
import { readPicture } from '../../cli/pictures.ts';
import { defaultRequest } from '../../src/protocol/default-request.ts';
import type { RunEvent } from '../../src/protocol/events.ts';
import { Engine } from '../../workers/engine.ts';
import { launchChromium, openMadePicture, setSteps, softwareVulkan, TIMEOUT_MS, visit } from '../support/chromium.ts';
import { NANO_MODELS, nanoManifest, resultOf } from '../support/nano.ts';

/** Levels of 255 by which two backends may differ on the same request. */
const MEAN_LEVELS = 1;
const MAX_LEVELS = 8;
/** For runs on a graphics card that a processor plays. */
const SOFTWARE_GPU_MS = 4 * TIMEOUT_MS;
const SAMPLE = 'public/samples/astronaut.jpg';
/** For what is computed many times, or by a software adapter. */
const SMALL_PIXELS = 48;

async function savedPicture(page: Awaited<ReturnType<typeof visit>>['page']): Promise<{ data: Buffer; info: OutputInfo }> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
  return sharp(await readFile(await download.path()))
    .raw()
    .toBuffer({ resolveWithObject: true });
}

/** The sample in a file of few pixels. */
async function smallSample(folder: string): Promise<string> {
  const path = join(folder, 'small.png');
  await sharp(SAMPLE).resize(SMALL_PIXELS).toFile(path);
  return path;
}

/** The same request in Node, RGB bytes. */
async function inNode(models: string, bundleId: string, steps: number, seed: number, picture = SAMPLE): Promise<Buffer> {
  const engine = new Engine(nodeRuntime, ['cpu'], new FolderFiles(models));
  const { manifest } = await engine.bundle(bundleId);
  const events: RunEvent[] = [];
  const request = { ...defaultRequest(manifest, (await readPicture(picture)).image), steps, seed };
  await engine.run([{ runId: 'node', bundleId }], request, async (event) => void events.push(event), new AbortController().signal);
  await engine.dispose();
  const { height, width, rgba8 } = resultOf(events);
  return sharp(Buffer.from(rgba8.buffer), { raw: { height, width, channels: 4 } })
    .removeAlpha()
    .raw()
    .toBuffer();
}

function expectClose(a: Buffer, b: Buffer): void {
  expect(a.length).toBe(b.length);
  let [sum, max] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs((a[i] ?? 0) - (b[i] ?? 0));
    sum += difference;
    max = Math.max(max, difference);
  }
  expect(sum / a.length).toBeLessThanOrEqual(MEAN_LEVELS);
  expect(max).toBeLessThanOrEqual(MAX_LEVELS);
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a run in Chromium on WASM', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it('gives with the shipped mini what Node gives', async () => {
    const { page, faults } = await visit(browser, inject('siteUrl'));
    await page.getByRole('button', { name: 'Astronaut' }).click();
    await setSteps(page, 3);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByLabel('Step 3 high frequencies').waitFor();
    const { data, info } = await savedPicture(page);
    expect([info.height, info.width]).toEqual([512, 512]);
    expectClose(data, await inNode('public/models', 'seesr-mini', 3, 42));
    expect(faults).toEqual([]);
  });

  it('gives with every other family and its RFSR twin what Node gives', async () => {
    const { page, faults } = await visit(browser, inject('nanoSiteUrl'));
    const picture = await smallSample(folder);
    await page.getByLabel('Picture file').first().setInputFiles(picture);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
    for (const id of ['diffbir-nano', 'diffbir-tag-nano', 'pasd-nano'].flatMap((base) => [base, `${base}-rfsr`])) {
      await page.getByRole('combobox', { name: 'Model' }).selectOption(id);
      await setSteps(page, 3);
      await page.getByRole('button', { name: 'Upscale', disabled: false }).click();
      await page.getByLabel('Step 3 high frequencies').waitFor();
      await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
      expectClose((await savedPicture(page)).data, await inNode(NANO_MODELS, id, 3, 42, picture));
    }
    expect(faults).toEqual([]);
  });

  it('keeps verified weights for the next visit', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const fetched: string[] = [];
    context.on('request', (request) => {
      if (request.url().endsWith('.onnx')) fetched.push(request.url());
    });
    for (const expected of [nanoManifest().graphs, {}]) {
      fetched.length = 0;
      const page = await context.newPage();
      await page.goto(inject('nanoSiteUrl'));
      await openMadePicture(page, 16, 16);
      await page.getByRole('button', { name: 'Upscale' }).click();
      await page.getByRole('button', { name: 'Download' }).waitFor();
      expect(fetched).toHaveLength(Object.keys(expected).length);
      await page.close();
    }
  });

  it('keeps what a cancelled run had after its last step, nothing of one that had none, and runs again', async () => {
    const { page, faults } = await visit(browser, inject('nanoSiteUrl'));
    await openMadePicture(page, 64, 64);
    await setSteps(page, 50);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Upscale' }).waitFor();
    expect(await page.getByRole('button', { name: 'Download' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByLabel('Step 2 low frequencies').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText(/^Paused after step \d+ of 50$/).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    const { info } = await savedPicture(page);
    expect([info.height, info.width]).toEqual([256, 256]);
    await page.getByRole('tab', { name: 'Info' }).click();
    await page.getByText(/stopped after \d+ of 50/).waitFor();
    await page.getByRole('tab', { name: 'Settings' }).click();
    await setSteps(page, 2);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    await page.getByRole('button', { name: 'Upscale' }).waitFor();
    expect(faults).toEqual([]);
  });

  it('says which file is missing or altered, and runs once it is whole again', async () => {
    const { page } = await visit(browser, inject('nanoSiteUrl'));
    await page.route('**/denoiser-*.onnx', async (route) => {
      const response = await route.fetch();
      const body = await response.body();
      body[body.length - 9] = (body[body.length - 9] ?? 0) ^ 1;
      await route.fulfill({ response, body });
    });
    await openMadePicture(page, 16, 16);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('alert').getByText('weights-altered').waitFor();
    await page.unroute('**/denoiser-*.onnx');
    await page.route('**/denoiser-*.onnx', (route) => route.fulfill({ status: 404, body: '' }));
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('alert').getByText('weights-missing').waitFor();
    await page.unroute('**/denoiser-*.onnx');
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('button', { name: 'Download' }).waitFor();
  });
});

describe('a run in Chromium on WebGPU (software adapter)', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium({ softwareGpu: true });
  });
  afterAll(() => browser.close());

  it('prefers WASM to a software adapter by itself', async () => {
    const { page } = await visit(browser, inject('nanoSiteUrl'));
    await page.getByRole('button', { name: /^Backend: WASM/ }).click();
    await page
      .getByText(/software adapter/)
      .first()
      .waitFor();
  });

  it(
    'gives on WebGPU, when asked for it, what WASM gives',
    async () => {
      const pictures: Buffer[] = [];
      for (const backend of ['webgpu', 'wasm']) {
        const { page } = await visit(browser, `${inject('nanoSiteUrl')}?backend=${backend}`);
        // a processor that plays a graphics card compiles every shader of every graph
        page.setDefaultTimeout(SOFTWARE_GPU_MS / 2);
        await page.getByRole('button', { name: backend === 'webgpu' ? /^Backend: WebGPU/ : /^Backend: WASM/ }).waitFor();
        await openMadePicture(page, 16, 24);
        await setSteps(page, 2);
        await page.getByRole('button', { name: 'Upscale' }).click();
        pictures.push((await savedPicture(page)).data);
        await page.getByRole('tab', { name: 'Info' }).click();
        await page
          .getByRole('tabpanel')
          .getByText(backend === 'webgpu' ? 'webgpu' : /^wasm/)
          .first()
          .waitFor();
        expect(await page.getByRole('status', { name: 'Notices' }).textContent()).toBe('');
      }
      expectClose(pictures[0] ?? Buffer.alloc(0), pictures[1] ?? Buffer.alloc(1));
    },
    SOFTWARE_GPU_MS,
  );
});

describe("a run on onnxruntime-node's WebGPU provider", () => {
  it('gives what the CPU provider gives', async () => {
    const outputs: Buffer[] = [];
    const picture = await smallSample(folder);
    for (const backend of ['webgpu', 'cpu']) {
      const output = join(folder, `${backend}.png`);
      const words = [
        '--import',
        'tsx',
        'cli/bin.ts',
        picture,
        output,
        '--models',
        NANO_MODELS,
        '--scale',
        '1',
        '--steps',
        '2',
        '--backend',
        backend,
      ];
      const driver = process.platform === 'linux' ? { VK_DRIVER_FILES: softwareVulkan() } : {};
      await promisify(execFile)(process.execPath, words, { env: { ...driver, ...process.env } });
      outputs.push(await sharp(output).raw().toBuffer());
    }
    expectClose(outputs[0] ?? Buffer.alloc(0), outputs[1] ?? Buffer.alloc(1));
  });
});
