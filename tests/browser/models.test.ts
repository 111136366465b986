import { join } from 'node:path';
import type { Browser, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { launchChromium, openMadePicture, setSteps, visit } from '../support/chromium.ts';
import { NANO_ID, NANO_MODELS } from '../support/nano.ts';
import { type OtherSite, openOtherSite } from '../support/other-site.ts';
import { shardedBundle } from '../support/shards.ts';

const SHARDS = 12;
const BUNDLE = shardedBundle(NANO_ID, 'nano-sharded', SHARDS);
const [FIRST = ''] = BUNDLE.shardNames;
/** Less than the bundle, more than its manifest. */
const ROOM_BYTES = 200_000;

let browser: Browser;
let other: OtherSite;
beforeAll(async () => {
  browser = await launchChromium({ shortRuns: true });
});
afterAll(() => browser.close());

const row = (page: Page) => page.getByRole('listitem', { name: 'Nano in shards' });

async function openModels(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Models…' }).click();
  await page.getByRole('dialog').getByText('SeeSR nano (random weights, for tests)').waitFor();
}

async function loadFrom(page: Page, address: string): Promise<void> {
  await page.getByLabel('Address').fill(address);
  await page.getByRole('button', { name: 'Load from there' }).click();
}

/** Asks for what is missing and waits for the sentence that tells why it does not come. */
async function refused(page: Page, words: string): Promise<void> {
  await row(page).getByRole('button', { name: /^Load/ }).click();
  await row(page).getByRole('alert').getByText(words).waitFor();
}

describe('a model in shards at an address', () => {
  it('is interrupted, altered, a web page or endless, told apart, goes on in a second tab, and runs', async () => {
    other = await openOtherSite(BUNDLE);
    const { page, faults } = await visit(browser, inject('nanoSiteUrl'), { serviceWorkers: 'allow' });
    await page.evaluate(() => navigator.serviceWorker.ready);
    await openModels(page);
    // the connection breaks off in the middle of the first shard
    other.faults.set(FIRST, (content, response) => {
      response.writeHead(200, { 'content-length': content.length });
      response.write(content.subarray(0, content.length / 2), () => setTimeout(() => response.destroy(), 50));
    });
    await loadFrom(page, other.url);
    await row(page).getByRole('alert').getByText('could not be loaded').waitFor();
    // what came beside it is here by now: it is what the next tries ask for
    other.faults.set(FIRST, (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>'));
    await refused(page, 'there is a web page at 127.0.0.1');
    other.faults.set(FIRST, (content, response) => void response.end(content.map((value) => value ^ 1)));
    await refused(page, 'has another content than its manifest promises');
    other.faults.set(FIRST, (content, response) => {
      response.on('error', () => {});
      const go = (): void => void (response.writable && response.write(content, () => setTimeout(go)));
      go();
    });
    await refused(page, 'does not end after');
    const first = other.requests.filter(({ path }) => path === FIRST);
    expect(first[0]?.from).toBe(0);
    expect(first[1]?.from).toBeGreaterThan(0);

    const second = await page.context().newPage();
    await second.goto(inject('nanoSiteUrl'));
    await openModels(second);
    await row(second).getByRole('button', { name: /^Load/ }).click();
    await row(second).getByText('On this device').waitFor();
    for (const name of BUNDLE.shardNames) expect(other.requests.filter(({ path }) => path === name).length).toBeLessThan(5);
    await row(second)
      .getByRole('button', { name: /^Verify/ })
      .click();
    await row(second).getByText('Every file that is here is sound.').waitFor();
    other.close();

    // the first tab has it too, and runs it without the other site
    await second.close();
    await page.reload();
    await page.getByRole('combobox', { name: 'Model' }).selectOption('nano-sharded');
    await openMadePicture(page, 16, 16);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
    await setSteps(page, 1);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('button', { name: 'Download' }).waitFor();
    // what the site did wrong is logged by the browser
    expect(faults.filter((fault) => !fault.includes('net::ERR'))).toEqual([]);
    await page.context().close();
  });

  it('that does not fit is told, though the browser had said that it would; what came stays, and the rest comes once there is room', async () => {
    other = await openOtherSite(BUNDLE);
    const { page } = await visit(browser, inject('nanoSiteUrl'), { serviceWorkers: 'allow' });
    await page.evaluate(() => navigator.serviceWorker.ready);
    await openModels(page);
    const session = await page.context().newCDPSession(page);
    const origin = new URL(inject('nanoSiteUrl')).origin;
    // the chosen pair is kept by itself
    const pair = page.getByRole('listitem', { name: /^SeeSR nano/ }).getByText('On this device');
    await expect.poll(() => pair.count(), { timeout: 60_000 }).toBe(2);
    const usage = await page.evaluate(async () => (await navigator.storage.estimate()).usage ?? 0);
    await session.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage + ROOM_BYTES });
    await loadFrom(page, other.url);
    await row(page).getByRole('alert').getByText('The browser has no more room for model files; what came stays.').waitFor();
    await session.send('Storage.overrideQuotaForOrigin', { origin });
    await row(page).getByRole('button', { name: /^Load/ }).click();
    await row(page).getByText('On this device').waitFor();
    await page.context().close();
    other.close();
  });
});

describe('a folder', () => {
  it('is taken, and a model is deleted again; one that is wrong says what would be right', async () => {
    const { page, faults } = await visit(browser, inject('nanoSiteUrl'));
    await openModels(page);
    await page.getByLabel('Model folder').setInputFiles(join(NANO_MODELS, 'pasd-nano'));
    await page.getByRole('dialog').getByRole('alert').getByText('Choose another “id”').waitFor();
    const files = [...BUNDLE.files].map(([name, buffer]) => ({ name, mimeType: '', buffer }));
    const manifest = { name: 'manifest.json', mimeType: 'application/json', buffer: Buffer.from(BUNDLE.manifest) };
    await page.getByLabel('Model files').setInputFiles([manifest, ...files]);
    await row(page).getByText('On this device').waitFor();
    await row(page)
      .getByRole('button', { name: /^Delete/ })
      .click();
    await page.getByRole('button', { name: 'Delete', exact: true }).click();
    await row(page).waitFor({ state: 'detached' });
    expect(faults).toEqual([]);
    await page.context().close();
  });
});
