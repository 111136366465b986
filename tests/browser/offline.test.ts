import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { parseManifest } from '../../src/protocol/manifest.ts';
import { readBundle } from '../../workers/model-store/bundle-files.ts';
import { launchChromium, openMadePicture, setSteps, visit } from '../support/chromium.ts';
import { NANO_ID, NANO_MODELS } from '../support/nano.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium({ shortRuns: true });
});
afterAll(() => browser.close());

/** Bytes by hash of the files of a model and its twin. */
function promised(): Record<string, number> {
  const textOf = (id: string): string => readFileSync(join(NANO_MODELS, id, 'manifest.json'), 'utf8');
  const twin = parseManifest(textOf(NANO_ID)).pairedWith ?? NANO_ID;
  const files = [NANO_ID, twin].flatMap((id) => readBundle(`${id}/manifest.json`, textOf(id)).files);
  return Object.fromEntries(files.map(({ sha256, sizeBytes }) => [sha256, sizeBytes]));
}

/** What of models is on disk, alike. */
async function kept(page: Page): Promise<Record<string, number>> {
  return page.evaluate(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('model-files', { create: true });
    const found: Record<string, number> = {};
    for await (const file of folder.values()) if (file.kind === 'file') found[file.name] = (await file.getFile()).size;
    return found;
  });
}

it('works with the network off after one visit', async () => {
  const { page } = await visit(browser, inject('nanoSiteUrl'), { serviceWorkers: 'allow' });
  // the chosen pair comes last of what is kept
  await expect.poll(() => kept(page), { timeout: 100_000 }).toEqual(promised());
  await page.context().setOffline(true);
  await page.reload();
  expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
  await openMadePicture(page, 16, 16);
  await setSteps(page, 2);
  await page.getByRole('button', { name: 'Upscale' }).click();
  await page.getByRole('button', { name: 'Download' }).waitFor();
});
