import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { launchChromium, openMadePicture, setSteps, TIMEOUT_MS, visit } from '../support/chromium.ts';
import { countTraffic, trafficOf } from '../support/gpu-traffic.ts';

const SIDE = 16;
const SCALE = 4;
/** More than all the numbers that a kernel is started with. */
const LATENT_BYTES = 16 * ((SIDE * SCALE) / 8) ** 2 * 4;
const PREVIEW_BYTES = 3 * (SIDE * SCALE) ** 2 * 4;
/** A few numbers of 8 bytes. */
const SCALAR_BYTES = 32;
/** The prediction of x0 and the sample, and what UniPC remembers of its second step. */
const KEPT_LATENTS = 5;
const STEPS = 2;

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium({ softwareGpu: true });
});
afterAll(() => browser.close());

it('a step on WebGPU takes up no latent, and brings down scalars, what is kept of it and its preview, in one mapping each', async () => {
  const { page } = await visit(browser, 'about:blank', { before: countTraffic });
  await page.goto(`${inject('nanoSiteUrl')}?backend=webgpu`);
  await openMadePicture(page, SIDE, SIDE);
  await page.getByRole('combobox', { name: 'Model' }).selectOption('pasd-nano');
  await setSteps(page, STEPS);
  await page.getByRole('button', { name: 'Upscale', disabled: false }).click();
  await page.getByLabel(`Step ${STEPS} high frequencies`).waitFor({ timeout: 2 * TIMEOUT_MS });
  expect(await page.getByRole('status', { name: 'Notices' }).textContent()).toBe('');
  const last = (await trafficOf(page))[STEPS - 1];
  expect(last?.up.filter((bytes) => bytes >= LATENT_BYTES)).toEqual([]);
  const scalars = last?.down.filter((bytes) => bytes <= SCALAR_BYTES) ?? [];
  // of each graph whether its numbers are some; and what a graph asks of its own shapes
  expect(scalars.length).toBeLessThanOrEqual(4);
  expect(last?.down.filter((bytes) => bytes > SCALAR_BYTES)).toEqual([KEPT_LATENTS * LATENT_BYTES, PREVIEW_BYTES]);
});
