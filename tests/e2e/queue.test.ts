import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { expect, type Page } from 'playwright/test';
import sharp from 'sharp';
import { readRecipe } from '../../src/protocol/recipe.ts';
import type { Session } from '../../src/store/session.ts';
import { pngTexts } from '../../workers/imaging/png-texts.ts';
import { keptSteps, SCREENSHOTS, seriousFindings, setSteps } from '../support/chromium.ts';
import { EVERY_SCREEN, test } from '../support/journey.ts';
import { gradient } from '../support/nano.ts';

const shoot = (page: Page, name: string) => page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });

interface PictureFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

async function pictureFile(name: string, height: number, width: number): Promise<PictureFile> {
  const { rgba8 } = gradient(height, width);
  const buffer = await sharp(rgba8, { raw: { height, width, channels: 4 } })
    .png()
    .toBuffer();
  return { name, mimeType: 'image/png', buffer };
}

const BROKEN: PictureFile = { name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('no picture at all') };

function choose(page: Page, files: readonly PictureFile[]): Promise<void> {
  return page
    .getByLabel('Picture file')
    .first()
    .setInputFiles([...files]);
}

const queue = (page: Page) => page.getByRole('list', { name: 'Queue' });
const row = (page: Page, name: string) => queue(page).getByRole('listitem', { name: new RegExp(`^${name}`) });
const order = (page: Page) =>
  queue(page)
    .getByRole('listitem')
    .getByRole('button', { name: /^[a-z]+\.png/ })
    .allTextContents();

/** What the control with the focus says. */
const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent);

/** Shows a picture of the queue; the panel has its settings from then on. */
async function show(page: Page, name: string): Promise<void> {
  const button = row(page, name).getByRole('button', { name: new RegExp(`^${name}`) });
  await button.click();
  await button.and(page.locator('[aria-current="true"]')).waitFor();
}

/** Starts all that waits, once the models are there. */
function upscaleAll(page: Page, count: number): Promise<void> {
  return page.getByRole('button', { name: `Upscale all (${count})`, disabled: false }).click();
}

const told = (page: Page, text: string) => page.getByRole('region', { name: 'Pictures' }).getByRole('status').getByText(text).waitFor();

async function setSeed(page: Page, seed: number): Promise<void> {
  await page.getByRole('spinbutton', { name: 'Seed' }).fill(String(seed));
  await page.keyboard.press('Tab');
}

async function downloaded(page: Page, button: RegExp): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: button }).click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

async function zipped(page: Page): Promise<Readonly<Record<string, Uint8Array>>> {
  return unzipSync(new Uint8Array((await downloaded(page, /^Save all/)).bytes));
}

/** A PNG's pixels and its recipe. */
async function contents(png: Buffer) {
  return { pixels: await sharp(png).ensureAlpha().raw().toBuffer(), recipe: readRecipe(pngTexts(new Uint8Array(png))) };
}

test.describe('a person with several pictures', () => {
  test('gives each its own settings, and gets of each what a single run gives, byte for byte', async ({ visit }) => {
    const files = [await pictureFile('a.png', 20, 28), await pictureFile('b.png', 24, 16), await pictureFile('c.png', 16, 16)];
    const settings = [
      { seed: 42, steps: 4, scale: '4' },
      { seed: 7, steps: 2, scale: '4' },
      { seed: 42, steps: 3, scale: '2' },
    ];
    const set = async (page: Page, { seed, steps, scale }: (typeof settings)[number]): Promise<void> => {
      await setSeed(page, seed);
      await setSteps(page, steps);
      await page.getByRole('combobox', { name: 'Scale' }).selectOption(scale);
    };
    const { page, faults } = await visit();
    await choose(page, files);
    await page.getByRole('button', { name: 'Upscale all (3)', disabled: false }).waitFor();
    for (const [i, { name }] of files.entries()) {
      await show(page, name);
      await page.getByText('Settings of').getByText(name).waitFor();
      await set(page, settings[i] as (typeof settings)[number]);
    }
    await shoot(page, 'queue-ready-dark');
    await upscaleAll(page, 3);
    await told(page, '3 of 3 done');
    const results = await zipped(page);
    expect(Object.keys(results)).toEqual(['a-112x80.png', 'b-64x96.png', 'c-32x32.png']);

    // a finished one is shown like any other run
    await show(page, 'b.png');
    await page.getByRole('img', { name: 'result', exact: true }).waitFor();
    expect(await page.getByRole('region', { name: 'Steps' }).getByRole('listitem').count()).toBe(2);
    expect(await page.getByRole('spinbutton', { name: 'Seed' }).inputValue()).toBe('7');
    await shoot(page, 'queue-done-dark');
    const one = await downloaded(page, /^Download/);
    expect(one.name).toBe('b-64x96.png');
    expect(Buffer.compare(one.bytes, Buffer.from(results['b-64x96.png'] ?? []))).toBe(0);

    for (const [i, file] of files.entries()) {
      const single = await visit();
      await choose(single.page, [file]);
      await single.page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
      await set(single.page, settings[i] as (typeof settings)[number]);
      await single.page.getByRole('button', { name: 'Upscale' }).click();
      const { name, bytes } = await downloaded(single.page, /^Download/);
      expect(Buffer.compare(bytes, Buffer.from(results[name] ?? []))).toBe(0);
      await single.page.context().close();
    }
    expect(faults).toEqual([]);
  });

  test('gives one setting to all that wait, and moves and takes out pictures by keyboard', async ({ visit }) => {
    const { page, faults } = await visit();
    await choose(page, await Promise.all(['a.png', 'b.png', 'c.png'].map((name) => pictureFile(name, 16, 16))));
    await page.getByRole('button', { name: 'Upscale all (3)', disabled: false }).waitFor();
    await setSteps(page, 1);
    await page.getByRole('button', { name: 'Apply to all waiting (3)' }).click();
    await row(page, 'c.png').getByText('1 steps').waitFor();

    const last = row(page, 'c.png').getByRole('button', { name: /^c\.png/ });
    await last.focus();
    await page.keyboard.press('Alt+ArrowUp');
    expect(await order(page)).toEqual([expect.stringMatching(/^a/), expect.stringMatching(/^c/), expect.stringMatching(/^b/)]);
    await page.keyboard.press('Alt+ArrowUp');
    expect(await order(page)).toEqual([expect.stringMatching(/^c/), expect.stringMatching(/^a/), expect.stringMatching(/^b/)]);
    await page.keyboard.press('Delete');
    await row(page, 'c.png').waitFor({ state: 'detached' });
    // Enter would start the queue, were the focus nowhere
    await expect.poll(() => focused(page)).toMatch(/^a\.png/);

    await show(page, 'b.png');
    await row(page, 'b.png').getByRole('button', { name: 'Move b.png up' }).click();
    expect(await order(page)).toEqual([expect.stringMatching(/^b/), expect.stringMatching(/^a/)]);
    await upscaleAll(page, 2);
    await told(page, '2 of 2 done');
    await page.getByRole('button', { name: 'Clear finished' }).click();
    await page.getByRole('heading', { name: /^Drop pictures/ }).waitFor();
    expect(faults).toEqual([]);
  });

  test('sees a broken picture fail alone, tries it again, and takes it out', async ({ visit }) => {
    const { page, faults } = await visit();
    await choose(page, [await pictureFile('a.png', 16, 16), BROKEN, await pictureFile('c.png', 16, 16)]);
    await upscaleAll(page, 2);
    await told(page, '2 of 3 done · 1 failed');
    const broken = row(page, 'broken.png');
    expect(await broken.textContent()).toContain('is not a picture');
    await shoot(page, 'queue-failed-dark');
    // too short to be waited for
    await broken.evaluate((item) => {
      const look = (): void => void (item.getAttribute('data-status') === 'running' && item.setAttribute('data-ran', ''));
      new MutationObserver(look).observe(item, { attributeFilter: ['data-status'] });
    });
    await broken.getByRole('button', { name: 'Retry broken.png' }).click();
    await broken.and(page.locator('[data-ran]')).waitFor();
    await told(page, '2 of 3 done · 1 failed');
    await broken.getByRole('button', { name: 'Remove broken.png' }).click();
    await told(page, '2 of 2 done');
    await expect.poll(() => focused(page)).toMatch(/^c\.png/);
    expect(faults).toEqual([]);
  });

  test('pauses, adds more, and goes on', async ({ visit }) => {
    const { page } = await visit();
    await choose(page, [await pictureFile('a.png', 64, 64), await pictureFile('b.png', 16, 16)]);
    await page.getByRole('button', { name: 'Upscale all (2)', disabled: false }).waitFor();
    await setSteps(page, 12);
    await upscaleAll(page, 2);
    await page.getByLabel('Step 1 low frequencies').waitFor();
    await page.getByRole('button', { name: 'Pause queue' }).click();
    await page.getByText(/^Paused after step/).waitFor();
    await choose(page, [await pictureFile('c.png', 16, 16), await pictureFile('c.png', 16, 16)]);
    await told(page, '0 of 4 done');
    await page.getByRole('button', { name: 'Go on' }).click();
    await told(page, '4 of 4 done');
    expect(Object.keys(await zipped(page)).sort()).toEqual(['a-256x256.png', 'b-64x64.png', 'c-64x64-2.png', 'c-64x64.png']);
  });

  test('adds a picture while one runs, and can hold, end and run all', EVERY_SCREEN, async ({ visit }, { project }) => {
    const { page } = await visit();
    await choose(page, [await pictureFile('a.png', 96, 96)]);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
    await setSteps(page, 20);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByLabel('Step 1 low frequencies').waitFor();
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByText(/^Paused after step/).waitFor();
    await choose(page, [await pictureFile('b.png', 16, 16)]);
    await row(page, 'b.png').getByText('waiting').waitFor();
    await page.getByRole('button', { name: 'Go on' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    await shoot(page, `queue-one-runs-${project.name}`);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBe(0);
    await upscaleAll(page, 1);
    await told(page, '2 of 2 done');
    await show(page, 'a.png');
    await row(page, 'a.png').getByRole('button', { name: 'Run again a.png' }).click();
    await page.getByRole('list', { name: 'Last results' }).getByRole('button').nth(1).waitFor();
  });

  test('stops the picture under way, and the rest goes on', async ({ visit }) => {
    const { page } = await visit();
    await choose(page, [await pictureFile('a.png', 96, 96), await pictureFile('b.png', 16, 16)]);
    await page.getByRole('button', { name: 'Upscale all (2)', disabled: false }).waitFor();
    await setSteps(page, 50);
    await upscaleAll(page, 2);
    await page.getByLabel('Step 1 low frequencies').waitFor();
    await row(page, 'a.png').getByRole('button', { name: 'Stop a.png' }).click();
    await told(page, '1 of 2 done · 1 stopped');
    // what it had is kept, and saved as what it is
    await page.getByRole('img', { name: 'result', exact: true }).waitFor();
    expect((await downloaded(page, /^Download/)).name).toBe('a-384x384-partial.png');
    expect(Object.keys(await zipped(page)).sort()).toEqual(['a-384x384-partial.png', 'b-64x64.png']);
  });

  test('ends a picture that is still being made ready', async ({ visit }) => {
    const { page, faults } = await visit();
    await choose(page, [await pictureFile('a.png', 16, 16), await pictureFile('b.png', 16, 16)]);
    await page.getByRole('button', { name: 'Upscale all (2)', disabled: false }).waitFor();
    let connect = (): void => {};
    const connected = new Promise<void>((resolve) => {
      connect = resolve;
    });
    await page.route('**/pasd-nano/manifest.json', async (route) => {
      await connected;
      await route.continue();
    });
    await show(page, 'b.png');
    await page.getByRole('combobox', { name: 'Model' }).selectOption('pasd-nano');
    await show(page, 'a.png');
    await upscaleAll(page, 2);
    await told(page, '1 of 2 done');
    await page.getByRole('button', { name: 'Cancel' }).click();
    connect();
    await told(page, '1 of 2 done · 1 stopped');
    expect(faults).toEqual([]);
  });

  test('saves into a folder as they finish, and overwrites nothing there', async ({ visit }) => {
    const { page } = await visit();
    // the real kind of folder, without the browser's dialog
    await page.evaluate(async () => {
      const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('results', { create: true });
      await folder.getFileHandle('a-64x64.png', { create: true });
      Object.assign(window, { showDirectoryPicker: async () => folder });
    });
    await choose(page, [await pictureFile('a.png', 16, 16), await pictureFile('b.png', 16, 16)]);
    await page.getByRole('button', { name: 'Upscale all (2)', disabled: false }).waitFor();
    await upscaleAll(page, 2);
    await told(page, '2 of 2 done');
    await page.getByRole('button', { name: 'Into a folder…' }).click();
    await page.getByText('Results go into “results”').waitFor();
    await choose(page, [await pictureFile('a.png', 16, 16), await pictureFile('d.png', 16, 16)]);
    await upscaleAll(page, 2);
    await told(page, '4 of 4 done');
    const saved = () =>
      page.evaluate(async () => {
        const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('results');
        const found: string[] = [];
        for await (const [name, handle] of folder.entries()) {
          if (handle instanceof FileSystemFileHandle && (await handle.getFile()).size > 0) found.push(name);
        }
        return found.sort();
      });
    await expect.poll(saved, { timeout: 20_000 }).toEqual(['a-64x64-2.png', 'a-64x64-3.png', 'b-64x64.png', 'd-64x64.png']);
  });

  test('drops a folder with folders in it: pictures are known by their content, and looked at one after another', async ({ visit }) => {
    const folder = mkdtempSync(join(tmpdir(), 'rfsr-queue-'));
    try {
      mkdirSync(join(folder, 'inner'));
      writeFileSync(join(folder, 'a.png'), (await pictureFile('a.png', 16, 16)).buffer);
      writeFileSync(join(folder, 'inner', 'b.png'), (await pictureFile('b.png', 16, 16)).buffer);
      writeFileSync(join(folder, 'notes.txt'), 'nothing to see');
      writeFileSync(
        join(folder, 'scan'),
        await sharp((await pictureFile('', 12, 16)).buffer)
          .tiff()
          .toBuffer(),
      );
      const { page, faults } = await visit();
      await page.evaluate(() => {
        const [decode, counts] = [window.createImageBitmap, { now: 0, most: 0 }];
        const counted = async (file: Blob): Promise<ImageBitmap> => {
          counts.most = Math.max(counts.most, ++counts.now);
          return decode(file).finally(() => counts.now--);
        };
        Object.assign(window, { counts, createImageBitmap: counted });
      });
      const session = await page.context().newCDPSession(page);
      const data = { items: [], files: [folder], dragOperationsMask: 1 };
      for (const type of ['dragEnter', 'dragOver', 'drop'] as const) {
        await session.send('Input.dispatchDragEvent', { type, x: 400, y: 400, data });
      }
      await row(page, 'a.png').waitFor();
      await row(page, 'b.png').waitFor();
      await row(page, 'scan').waitFor();
      await page.getByText('1 of 4 files are no pictures').waitFor();
      await expect.poll(() => queue(page).getByRole('presentation').count(), { timeout: 20_000 }).toBe(3);
      expect(await page.evaluate(() => (window as unknown as { counts: { most: number } }).counts.most)).toBe(1);
      await upscaleAll(page, 3);
      await told(page, '3 of 3 done');
      expect(Object.keys(await zipped(page)).sort()).toEqual(['a-64x64.png', 'b-64x64.png', 'scan-64x48.png']);
      expect(faults).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test.describe('a reload', () => {
  test('in the middle of a queue goes on to the end, and what was done is there', async ({ visit }) => {
    const { page, faults } = await visit();
    await choose(page, [await pictureFile('a.png', 16, 16), await pictureFile('b.png', 96, 96), await pictureFile('c.png', 16, 16)]);
    await page.getByRole('button', { name: 'Upscale all (3)', disabled: false }).waitFor();
    await show(page, 'b.png');
    await setSteps(page, 20);
    await upscaleAll(page, 3);
    await page.getByLabel('Step 2 low frequencies').waitFor();
    await page.reload();
    await page.getByText('Going on where the page was left.').waitFor();
    expect(await order(page)).toEqual([expect.stringMatching(/^a/), expect.stringMatching(/^b/), expect.stringMatching(/^c/)]);
    await told(page, '3 of 3 done');
    await show(page, 'a.png');
    await page.getByText('step 4 of 4').waitFor();
    await page.getByRole('img', { name: 'result', exact: true }).waitFor();
    const results = await zipped(page);
    expect(Object.keys(results)).toEqual(['a-64x64.png', 'b-384x384.png', 'c-64x64.png']);
    const one = await downloaded(page, /^Download/);
    expect(await contents(one.bytes)).toEqual(await contents(Buffer.from(results['a-64x64.png'] ?? [])));
    expect(faults).toEqual([]);
  });

  test('leaves held what was held, until it is let go', async ({ visit }) => {
    const { page, faults } = await visit();
    await choose(page, [await pictureFile('a.png', 96, 96), await pictureFile('b.png', 16, 16)]);
    await page.getByRole('button', { name: 'Upscale all (2)', disabled: false }).waitFor();
    await setSteps(page, 20);
    await upscaleAll(page, 2);
    await page.getByLabel('Step 2 low frequencies').waitFor();
    await page.getByRole('button', { name: 'Pause queue' }).click();
    await expect.poll(() => isHeld(page), { timeout: 20_000 }).toBe(true);
    await page.reload();
    await row(page, 'a.png').getByText('waiting').waitFor();
    // the models are listed, after which what was cut off would be gone on with
    await page.getByRole('combobox', { name: 'Model' }).locator('optgroup').first().waitFor({ state: 'attached' });
    expect(await page.getByRole('progressbar').count()).toBe(0);
    await page.getByRole('button', { name: 'Go on' }).click();
    await told(page, '2 of 2 done');
    expect(faults).toEqual([]);
  });

  test('gives back a single picture, its settings and its result', async ({ visit }) => {
    const { page, faults } = await visit();
    await choose(page, [await pictureFile('a.png', 16, 24)]);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
    await setSeed(page, 11);
    await setSteps(page, 2);
    await page.reload();
    await page.getByText('24×16 ▸').waitFor();
    expect(await page.getByRole('spinbutton', { name: 'Seed' }).inputValue()).toBe('11');
    await page.getByRole('button', { name: 'Upscale', disabled: false }).click();
    const before = await downloaded(page, /^Download/);
    await expect.poll(() => keptResults(page), { timeout: 20_000 }).toBe(1);
    await page.reload();
    await page.getByRole('img', { name: 'result', exact: true }).waitFor();
    const after = await downloaded(page, /^Download/);
    expect(await contents(after.bytes)).toEqual(await contents(before.bytes));
    expect(faults).toEqual([]);
  });

  test('in the middle of a single run goes on after the steps that were kept, to the same result', async ({ visit }) => {
    const { page } = await visit();
    await choose(page, [await pictureFile('a.png', 96, 96)]);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
    await setSteps(page, 24);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await expect.poll(async () => 'last' in (await keptSteps(page)), { timeout: 60_000 }).toBe(true);
    await page.reload();
    const before = await keptSteps(page);
    const saved = Object.keys(before).filter((name) => name.startsWith('x0-')).length;
    await page.getByText('Going on where the page was left.').waitFor();
    // written again from the first step it would be newer
    await expect.poll(async () => (await keptSteps(page))[`x0-${saved}`] ?? 0, { timeout: 60_000 }).toBeGreaterThan(0);
    expect((await keptSteps(page))['x0-0']).toBe(before['x0-0']);
    const resumed = await downloaded(page, /^Download/);
    // they go once the run is over, which its result is before
    await expect.poll(() => keptSteps(page), { timeout: 20_000 }).toEqual({});
    expect(await page.getByRole('region', { name: 'Steps' }).getByRole('listitem').count()).toBe(24);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('list', { name: 'Last results' }).getByRole('button').nth(1).waitFor();
    const whole = await downloaded(page, /^Download/);
    expect(Buffer.compare(resumed.bytes, whole.bytes)).toBe(0);
  });
});

test.describe('a browser without room', () => {
  test('is told of once, and the queue ends all the same', async ({ visit }) => {
    const { page } = await visit();
    const session = await page.context().newCDPSession(page);
    await session.send('Storage.overrideQuotaForOrigin', { origin: new URL(page.url()).origin, quotaSize: 1 });
    await choose(page, [await pictureFile('a.png', 16, 16), await pictureFile('b.png', 16, 16)]);
    const alert = page.getByRole('alert').getByText('storage-full');
    await alert.waitFor();
    await page.getByRole('alert').getByRole('button', { name: 'Dismiss' }).click();
    await setSeed(page, 7);
    await upscaleAll(page, 2);
    await told(page, '2 of 2 done');
    expect(Object.keys(await zipped(page))).toEqual(['a-64x64.png', 'b-64x64.png']);
    expect(await alert.count()).toBe(0);
  });
});

test.describe('a browser that keeps nothing of a site', () => {
  test('runs the studio all the same, and says what that means', async ({ visit }) => {
    // what Chromium does where a person blocks the site's data
    const block = (): void => {
      const blocked = (): never => {
        throw new DOMException('Access is denied for this document.', 'SecurityError');
      };
      for (const name of ['localStorage', 'indexedDB']) Object.defineProperty(window, name, { get: blocked });
      navigator.storage.getDirectory = async () => blocked();
    };
    const { page, faults } = await visit({ before: (blank) => blank.addInitScript(block) });
    await page.getByRole('alert').getByText('storage-denied').waitFor();
    await choose(page, [await pictureFile('a.png', 16, 16)]);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).click();
    expect((await downloaded(page, /^Download/)).name).toBe('a-64x64.png');
    await page.getByRole('button', { name: 'Light theme' }).click();
    await page.getByRole('button', { name: /^File format/ }).click();
    await page.getByRole('combobox', { name: 'Bits per channel' }).selectOption('16');
    expect(faults).toEqual([]);
  });
});

test.describe('the queue on a page', () => {
  for (const colorScheme of ['dark', 'light'] as const) {
    test(`runs, fits, and has no serious accessibility finding: ${colorScheme}`, EVERY_SCREEN, async ({ visit }, { project }) => {
      const name = `${project.name}-${colorScheme}`;
      const { page, faults } = await visit({ colorScheme });
      await choose(page, [await pictureFile('first picture.png', 40, 56), await pictureFile('b.png', 96, 96), BROKEN]);
      await page.getByRole('button', { name: 'Upscale all (2)', disabled: false }).waitFor();
      await shoot(page, `queue-ready-${name}`);
      await upscaleAll(page, 2);
      await page.getByRole('progressbar').getByText('more').waitFor();
      await page.getByLabel('Step 2 low frequencies').waitFor();
      await shoot(page, `queue-running-${name}`);
      await told(page, '2 of 3 done · 1 failed');
      await queue(page).scrollIntoViewIfNeeded();
      await shoot(page, `queue-done-${name}`);
      expect(await seriousFindings(page)).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow).toBe(0);
      expect(faults).toEqual([]);
    });
  }
});

/** How many results the browser keeps. */
async function keptResults(page: Page): Promise<number> {
  return (await kept(page)).keys.filter((key) => key.startsWith('result/')).length;
}

/** Whether the browser keeps a queue that is held. */
async function isHeld(page: Page): Promise<boolean> {
  return (await kept(page)).session?.queue.paused === true;
}

interface Kept {
  readonly keys: readonly string[];
  readonly session: Session | undefined;
}

/** What the browser keeps. */
function kept(page: Page): Promise<Kept> {
  return page.evaluate(async () => {
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open('rfsr-studio');
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const store = database.transaction('session').objectStore('session');
    const found = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve) => {
        request.onsuccess = () => resolve(request.result);
      });
    const [keys, session] = await Promise.all([found(store.getAllKeys()), found<Session | undefined>(store.get('session'))]);
    database.close();
    return { keys: keys.map(String), session };
  });
}
