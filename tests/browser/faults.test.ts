import { readFile } from 'node:fs/promises';
import type { Browser, Page, Worker } from 'playwright';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { keptSteps, launchChromium, openMadePicture, setSteps, visit } from '../support/chromium.ts';
import { maxDifference } from '../support/golden.ts';

/** Starts a run on a square picture. Resolves to what is kept of it, once its first steps are. */
async function runUntilKept(page: Page, side: number, steps: number): Promise<Readonly<Record<string, number>>> {
  await openMadePicture(page, side, side);
  await setSteps(page, steps);
  await page.getByRole('button', { name: 'Upscale' }).click();
  await expect.poll(async () => 'last' in (await keptSteps(page)), { timeout: 60_000 }).toBe(true);
  return keptSteps(page);
}

/** Waits for the step after those that were kept; taken again, they would be newer. */
async function goesOnAfter(page: Page, before: Readonly<Record<string, number>>): Promise<void> {
  const steps = Object.entries(before).filter(([name]) => name.startsWith('x0-'));
  let now: Readonly<Record<string, number>> = {};
  const next = async (): Promise<number> => {
    now = await keptSteps(page);
    return now[`x0-${steps.length}`] ?? 0;
  };
  await expect.poll(next, { timeout: 60_000 }).toBeGreaterThan(0);
  expect(Object.entries(now)).toEqual(expect.arrayContaining(steps));
}

function studioWorker(page: Page): Worker {
  const worker = page.workers().find((candidate) => candidate.url().includes('studio'));
  if (worker === undefined) throw new Error('expected a studio worker');
  return worker;
}

/** An error nobody catches is what a crashed worker reports. */
async function crash(page: Page): Promise<void> {
  await studioWorker(page).evaluate(() => {
    setTimeout(() => {
      throw new Error('made to die');
    });
  });
}

/** The pixels of the finished result, as they are saved. */
async function result(page: Page): Promise<Buffer> {
  const button = page.getByRole('button', { name: /^Download/ });
  await button.waitFor();
  await page.getByRole('button', { name: 'Upscale' }).waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), button.click()]);
  return sharp(await readFile(await download.path()))
    .raw()
    .toBuffer();
}

describe('a worker that dies in mid-run', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it('is replaced; the run goes on from the steps that were kept, to the same result', async () => {
    const { page } = await visit(browser, inject('nanoSiteUrl'));
    const before = await runUntilKept(page, 96, 50);
    await crash(page);
    await page.getByRole('status').getByText('goes on from its last step').waitFor();
    await goesOnAfter(page, before);
    const resumed = await result(page);
    expect(await keptSteps(page)).toEqual({});
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    expect(maxDifference(resumed, await result(page))).toBe(0);
  });
});

describe('a worker that ends without a word in mid-run', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it('is replaced like one that fails', async () => {
    const { page } = await visit(browser, inject('nanoSiteUrl'));
    const before = await runUntilKept(page, 96, 50);
    await studioWorker(page).evaluate(() => void setTimeout(() => self.close()));
    await page.getByRole('status').getByText('goes on from its last step').waitFor();
    await goesOnAfter(page, before);
    await result(page);
  });
});

describe('a run that is cancelled while its worker is replaced', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  it('ends with the steps that were taken', async () => {
    const { page } = await visit(browser, inject('nanoSiteUrl'));
    await runUntilKept(page, 96, 50);
    await crash(page);
    await page.getByRole('status').getByText('goes on from its last step').waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Upscale' }).waitFor();
    await page.getByRole('tab', { name: 'Info' }).click();
    await page.getByText(/stopped after \d+ of 50/).waitFor();
  });
});

describe('a graphics device that is lost in mid-run', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium({ softwareGpu: true });
  });
  afterAll(() => browser.close());

  it('is replaced; the run goes on from the steps that were kept, to the same result', async () => {
    const { page } = await visit(browser, 'about:blank');
    // every device the worker gets stays in reach of the test
    const hook = `{
      const request = GPUAdapter.prototype.requestDevice;
      GPUAdapter.prototype.requestDevice = async function (...words) {
        self.device = await request.apply(this, words);
        return self.device;
      };
    }\n`;
    await page.route('**/studio.worker-*.js', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: hook + (await response.text()) });
    });
    await page.goto(`${inject('nanoSiteUrl')}?backend=webgpu`);
    const before = await runUntilKept(page, 8, 40);
    await studioWorker(page).evaluate(() => (self as unknown as { device: { destroy(): void } }).device.destroy());
    await page.getByRole('status').getByText('The graphics device was lost').waitFor();
    await goesOnAfter(page, before);
    const resumed = await result(page);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    expect(maxDifference(resumed, await result(page))).toBe(0);
  });
});
