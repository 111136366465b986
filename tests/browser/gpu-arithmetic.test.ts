import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import type { SchedulerConfig } from '../../src/core/schedulers/schedule.ts';
import { SAMPLERS } from '../../src/protocol/request.ts';
import { launchChromium } from '../support/chromium.ts';
import { golden } from '../support/golden.ts';
import type { GpuPage } from '../support/gpu-page.ts';
import { scriptOf } from '../support/script-of.ts';

/** Shaders add in float32, the processor in doubles. */
const SUM_TOLERANCE = 1e-5;
/** Of the largest number: a sampler feeds its rounding back. */
const SAMPLER_TOLERANCE = 1e-5;

const { config } = golden<{ readonly config: SchedulerConfig }>('schedulers');
const here = (): GpuPage => (globalThis as unknown as { readonly gpuPage: GpuPage }).gpuPage;

let browser: Browser;
let page: Page;
const faults: string[] = [];
beforeAll(async () => {
  const script = await scriptOf('gpu-page.ts');
  browser = await launchChromium({ softwareGpu: true });
  // the page's policy lets no script in that the site does not serve
  page = await browser.newPage({ bypassCSP: true });
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  // WebGPU is there for pages of a site alone
  await page.goto(inject('nanoSiteUrl'));
  await page.addScriptTag({ content: script, type: 'module' });
  await page.waitForFunction(() => 'gpuPage' in globalThis);
  await page.evaluate(`globalThis.here = ${here.toString()}`);
});
afterAll(() => browser.close());

it.each([
  'a sum of one',
  'a sum of seven, with an offset',
  'a long sum',
  'a sum with some of the processor',
  'an area',
  'all there is',
  'a stack',
  'an area written into another',
  'blended tiles',
] as const)('%s is on a graphics device what it is on the processor', async (what) => {
  const { dims, apart } = await page.evaluate((asked) => here().compare(asked), what);
  expect(dims.slice(0, dims.length / 2)).toEqual(dims.slice(dims.length / 2));
  expect(apart).toBeLessThan(SUM_TOLERANCE);
  expect(faults).toEqual([]);
});

it.each(SAMPLERS.flatMap((name) => [1, 3].map((guidance) => [name, guidance] as const)))(
  'every step of %s under a guidance of %d is the same too',
  async (name, guidance) => {
    const apart = await page.evaluate(([n, c, g]) => here().sample(n, c, 8, g), [name, config, guidance] as const);
    expect(apart).toBeLessThan(SAMPLER_TOLERANCE);
  },
);

it('finds what is no number among many, wherever it is', async () => {
  const asked = [
    [1e30, 300_000, true],
    [Number.NaN, 300_000, false],
    [Number.POSITIVE_INFINITY, 0, false],
    [Number.NEGATIVE_INFINITY, 150_000, false],
  ] as const;
  for (const [value, place, finite] of asked) {
    expect(await page.evaluate(([v, p]) => here().isFinite(v, p), [value, place] as const)).toBe(finite);
  }
});

it('says that its device was lost', async () => {
  expect(await page.evaluate(() => here().readLost())).toBe('device-lost');
});
