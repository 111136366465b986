import { gzipSync } from 'node:zlib';
import type { Browser, Page } from 'playwright';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { launchChromium, openMadePicture, setSteps, visit } from '../support/chromium.ts';

/** What Chromium adds up for shifts that nobody caused; what is below this is hardly seen. */
const MOST_SHIFT = 0.05;
/** Of all scripts that the page asks for at once, compressed. */
const MOST_SCRIPT_BYTES = 130_000;
const SMALL = { width: 1024, height: 700 };
const PHONE = { width: 390, height: 844 };

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium({ shortRuns: true });
});
afterAll(() => browser.close());

async function choose(page: Page, ...names: readonly string[]): Promise<void> {
  const buffer = await sharp({ create: { height: 24, width: 32, channels: 3, background: '#a07040' } })
    .png()
    .toBuffer();
  const files = names.map((name) => ({ name, mimeType: 'image/png', buffer }));
  await page.getByLabel('Picture file').first().setInputFiles(files);
}

const queue = (page: Page) => page.getByRole('list', { name: 'Queue' });

async function upscaled(page: Page, steps = 2): Promise<void> {
  await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
  await setSteps(page, steps);
  await page.getByRole('button', { name: 'Upscale' }).click();
  await page.getByRole('button', { name: 'Download' }).waitFor();
}

/** How many results the browser keeps. */
function keptResults(page: Page): Promise<number> {
  return page.evaluate(async () => {
    // opened before the page has made it, it would stay without its store
    if (!(await indexedDB.databases()).some(({ name }) => name === 'rfsr-studio')) return 0;
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open('rfsr-studio');
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const keys = await new Promise<IDBValidKey[]>((resolve) => {
      const request = database.transaction('session').objectStore('session').getAllKeys();
      request.onsuccess = () => resolve(request.result);
    });
    database.close();
    return keys.filter((key) => String(key).startsWith('result/')).length;
  });
}

/** Sides of the viewer in whole pixels, and its zoom. */
async function viewer(page: Page) {
  const box = await page.getByRole('region', { name: 'Result' }).boundingBox();
  return {
    height: Math.round(box?.height ?? 0),
    width: Math.round(box?.width ?? 0),
    zoom: await page.getByLabel('Zoom', { exact: true }).textContent(),
  };
}

describe('a result', () => {
  it('stays in the list while other pictures come, over a reload too, until it is removed, and comes back', async () => {
    const { page, faults } = await visit(browser, inject('nanoSiteUrl'));
    await choose(page, 'a.png');
    await upscaled(page);
    await choose(page, 'b.png');
    const first = queue(page).getByRole('listitem', { name: /^a\.png, done · 128×96/ });
    await first.waitFor();
    await first.getByRole('button', { name: /^a\.png/ }).click();
    await page.getByRole('img', { name: 'result', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Download' }).waitFor();
    await expect.poll(() => keptResults(page), { timeout: 60_000 }).toBe(1);
    await page.reload();
    await first.waitFor();
    await page.getByRole('img', { name: 'result', exact: true }).waitFor();
    await first.getByRole('button', { name: 'Remove a.png' }).click();
    await first.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Undo' }).click();
    await first.getByRole('button', { name: /^a\.png/ }).click();
    await page.getByRole('img', { name: 'result', exact: true }).waitFor();
    expect(faults).toEqual([]);
  });

  it('is asked about before the page is left, while it is made', async () => {
    const { page } = await visit(browser, inject('nanoSiteUrl'));
    await openMadePicture(page, 96, 96);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
    await setSteps(page, 50);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByLabel('Step 1 low frequencies').waitFor();
    const asked = page.waitForEvent('dialog');
    void page.close({ runBeforeUnload: true });
    const dialog = await asked;
    expect(dialog.type()).toBe('beforeunload');
    await dialog.accept();
  });
});

describe('the picture', () => {
  it('keeps its place and its zoom from the first press to the result, in a small window', async () => {
    const { page } = await visit(browser, inject('nanoSiteUrl'), { viewport: SMALL });
    await choose(page, 'a.png', 'b.png');
    await page.getByRole('button', { name: 'Upscale all (2)', disabled: false }).waitFor();
    await page.getByText('Compare base and RFSR').click();
    const before = await viewer(page);
    await page.evaluate(() => {
      interface Shift extends PerformanceEntry {
        readonly value: number;
        readonly hadRecentInput: boolean;
        readonly sources: readonly { readonly node: Element | null; readonly previousRect: DOMRect; readonly currentRect: DOMRect }[];
      }
      const shifts: (readonly [number, string])[] = [];
      Object.assign(window, { shifts });
      new PerformanceObserver((list) => {
        for (const { value, hadRecentInput, sources } of list.getEntries() as Shift[]) {
          if (hadRecentInput) continue;
          const place = ({ x, y, width, height }: DOMRect): string => [x, y, width, height].map(Math.round).join(' ');
          const moved = sources.map(({ node, previousRect, currentRect }) => {
            return `${node?.nodeName} ${node?.textContent?.slice(0, 40)}: ${place(previousRect)} to ${place(currentRect)}`;
          });
          shifts.push([value, moved.join('; ')]);
        }
      }).observe({ type: 'layout-shift' });
    });
    await page.getByRole('button', { name: 'Upscale all (2)' }).click();
    await page.getByLabel('Step 2 low frequencies, RFSR').waitFor();
    expect(await viewer(page)).toEqual(before);
    await page.getByRole('button', { name: 'Download' }).waitFor();
    expect(await viewer(page)).toEqual(before);
    expect(before.height).toBeGreaterThan(380);
    const shifts = await page.evaluate(() => (window as unknown as { shifts: readonly (readonly [number, string])[] }).shifts);
    const sum = shifts.reduce((total, [value]) => total + value, 0);
    expect(sum, shifts.map(([value, moved]) => `${value.toFixed(4)} ${moved}`).join('\n')).toBeLessThan(MOST_SHIFT);
    await page.getByRole('button', { name: 'Fold the settings' }).click();
    await page.getByRole('button', { name: 'Fold the pictures' }).click();
    await page.getByRole('button', { name: 'Fold the steps' }).click();
    const folded = await viewer(page);
    expect(folded.width).toBeGreaterThan(940);
    expect(folded.height).toBeGreaterThan(540);
    await page.reload();
    await expect.poll(() => viewer(page), { timeout: 20_000 }).toEqual(folded);
  });

  it('has the window on a phone, and the page scrolls by a finger on it, not by itself', async () => {
    for (const [viewport, least] of [
      [PHONE, 400],
      [{ width: PHONE.height, height: PHONE.width }, 260],
    ] as const) {
      const { page } = await visit(browser, inject('nanoSiteUrl'), { viewport, hasTouch: true, isMobile: true });
      await openMadePicture(page, 24, 32);
      await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
      await page.evaluate(() => window.scrollTo(0, 0));
      expect((await viewer(page)).height).toBeGreaterThan(least);
      await page.getByRole('button', { name: 'Upscale' }).click();
      await page.getByRole('button', { name: 'Download' }).waitFor();
      expect(await page.evaluate(() => window.scrollY)).toBe(0);
      const surface = page.getByRole('slider', { name: 'Compare' }).locator('..');
      expect(await surface.evaluate((element) => getComputedStyle(element).touchAction)).toBe('pan-y');
      await page.getByRole('button', { name: 'Zoom in' }).click();
      expect(await surface.evaluate((element) => getComputedStyle(element).touchAction)).toBe('none');
      await page.context().close();
    }
  });
});

describe('keys', () => {
  it('work after a click on a button, with Caps Lock, and not in a text field; and can be turned off', async () => {
    const { page } = await visit(browser, inject('nanoSiteUrl'));
    await openMadePicture(page, 24, 32);
    await upscaled(page, 3);
    const pressed = (name: string) => page.getByRole('button', { name, pressed: true });
    await page.getByRole('button', { name: 'Side by side' }).click();
    await page.keyboard.press('4');
    await pressed('Difference').waitFor();
    await page.getByRole('button', { name: 'Split' }).click();
    await page.keyboard.press('Home');
    await page.getByText('step 1 of 3').waitFor();
    // what Caps Lock makes of it
    await page.keyboard.press('R');
    await page.getByRole('img', { name: 'result', exact: true }).waitFor();
    const fitted = (await viewer(page)).zoom;
    await page.keyboard.press('+');
    expect((await viewer(page)).zoom).not.toBe(fitted);
    await page.keyboard.press('0');
    expect((await viewer(page)).zoom).toBe(fitted);
    await page.keyboard.down('z');
    expect((await viewer(page)).zoom).not.toBe(fitted);
    await page.keyboard.up('z');
    expect((await viewer(page)).zoom).toBe(fitted);

    const result = page.getByRole('img', { name: 'result', exact: true });
    await page.keyboard.down(' ');
    await result.waitFor({ state: 'hidden' });
    // the key is let go of where the page does not hear it
    await page.evaluate(() => window.dispatchEvent(new Event('blur')));
    await result.waitFor();
    await page.keyboard.up(' ');

    await page.getByRole('tab', { name: 'Tags & prompt' }).click();
    await page.getByLabel('Your words').fill('');
    await page.getByLabel('Your words').press('2');
    await pressed('Split').waitFor();
    expect(await page.getByLabel('Your words').inputValue()).toBe('2');

    await page.getByRole('button', { name: 'Keyboard shortcuts' }).click();
    await page.getByText('Use these keys').click();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.keyboard.press('2');
    await page.getByRole('button', { name: 'Blink' }).click();
    expect(await pressed('Side by side').count()).toBe(0);
  });
});

describe('a number', () => {
  it('that cannot be is refused beside its field, and nothing of it counts', async () => {
    const { page } = await visit(browser, inject('nanoSiteUrl'));
    await openMadePicture(page, 24, 32);
    const seed = page.getByRole('spinbutton', { name: 'Seed' });
    await seed.focus();
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type('4294967296');
    await page.getByText('Seed is a whole number from 0 to 4294967295. It stays 42.').waitFor();
    await page.keyboard.press('Tab');
    expect(await seed.inputValue()).toBe('42');
    const steps = page.getByRole('spinbutton', { name: 'Steps' });
    await steps.fill('7');
    expect(await page.getByRole('slider', { name: 'Steps', exact: true }).inputValue()).toBe('7');
  });
});

describe('the timeline', () => {
  it('begins with the input, lifts high bands by one gain that it names, and shows changes on demand', async () => {
    const { page } = await visit(browser, inject('nanoSiteUrl'));
    await openMadePicture(page, 40, 56);
    await page.getByRole('combobox', { name: 'Model' }).selectOption('diffbir-nano');
    await upscaled(page, 3);
    const steps = page.getByRole('region', { name: 'Steps' });
    await steps.getByRole('img', { name: 'Input, low frequencies' }).waitFor();
    await steps.getByRole('img', { name: 'High frequencies of the stage 1' }).waitFor();
    await page.getByRole('combobox', { name: 'Brightness of high bands' }).selectOption('8');
    const lit = (name: string) => steps.getByRole('img', { name }).evaluate((element) => getComputedStyle(element).filter);
    for (const name of ['High frequencies of the input', 'Step 1 high frequencies', 'Step 3 high frequencies']) {
      expect(await lit(name)).toBe('brightness(8)');
    }
    expect(await lit('Step 1 low frequencies')).toBe('none');
    await steps.getByRole('button', { name: 'Changes' }).click();
    await steps.getByRole('img', { name: 'Step 3 change' }).waitFor();
    expect(await steps.getByRole('listitem').count()).toBe(3);
  });
});

describe('judging', () => {
  it('holds the result against bicubic and a reference, with figures for both; another picture is no reference', async () => {
    const { page } = await visit(browser, inject('nanoSiteUrl'));
    await openMadePicture(page, 40, 56);
    await upscaled(page);
    const against = page.getByRole('combobox', { name: 'Compare with' });
    await against.selectOption('Bicubic');
    await page.getByRole('img', { name: 'bicubic', exact: true }).waitFor();
    await page.getByRole('tab', { name: 'Analysis' }).click();
    const give = async (width: number, height: number, flip: boolean) => {
      const shown = await page
        .getByRole('img', { name: 'bicubic', exact: true })
        .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
      const picture = sharp(Buffer.from(shown.slice(shown.indexOf(',') + 1), 'base64')).resize(width, height, { fit: 'fill' });
      const buffer = await (flip ? picture.negate({ alpha: false }) : picture).png().toBuffer();
      await page.getByLabel('Reference file').setInputFiles({ name: 'truth.png', mimeType: 'image/png', buffer });
    };
    await give(100, 80, false);
    await page.getByRole('alert').getByText('A reference has the size of the result').waitFor();
    await give(224, 160, true);
    await page.getByRole('alert').getByText('shows something else').waitFor();
    await give(224, 160, false);
    const row = page.getByRole('row', { name: /^Bicubic/ });
    await row.getByText('equal').waitFor();
    await page
      .getByRole('row', { name: /^SeeSR nano/ })
      .getByText(/\d\.\d\d dB/)
      .waitFor();
    await against.selectOption('Reference');
    await page.getByRole('img', { name: 'reference', exact: true }).waitFor();
    await page.getByRole('button', { name: 'Difference' }).click();
    await page.getByRole('combobox', { name: 'Difference times' }).selectOption('16');
    await page.getByText(/difference ×16 · mean/).waitFor();
  });
});

describe('the page', () => {
  it('begins with little: what is not needed for its first paint is loaded when it is used', async () => {
    const address = inject('nanoSiteUrl');
    const html = await (await fetch(address)).text();
    const scripts = [...html.matchAll(/(?:src|href)="([^"]+\.js)"/g)].map(([, path = '']) => new URL(path, address));
    expect(scripts.length).toBeGreaterThan(0);
    let bytes = 0;
    for (const script of scripts) bytes += gzipSync(Buffer.from(await (await fetch(script)).arrayBuffer())).length;
    expect(bytes).toBeLessThan(MOST_SCRIPT_BYTES);
  });
});
