import { readFile } from 'node:fs/promises';
import { expect, type Page, type Route } from 'playwright/test';
import sharp from 'sharp';
import { openMadePicture, SCREENSHOTS, setSteps, TIMEOUT_MS } from '../support/chromium.ts';
import { PHONE, test } from '../support/journey.ts';

/** Levels of 255 that a change of colour space and a network of random weights' colour fix leave between means. */
const COLOUR_LEVELS = 12;

async function openFile(page: Page, name: string, mimeType: string, buffer: Buffer): Promise<void> {
  await page.getByLabel('Picture file').first().setInputFiles({ name, mimeType, buffer });
  await page.getByText(name).first().waitFor();
}

async function upscale(page: Page): Promise<void> {
  await setSteps(page, 1);
  await page.getByRole('button', { name: 'Upscale' }).click();
  // a result of several strips takes a busy machine a minute and a half
  await page.getByRole('button', { name: 'Download' }).waitFor({ timeout: 1.6 * TIMEOUT_MS });
}

async function download(page: Page): Promise<{ name: string; bytes: Buffer }> {
  const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
  return { name: saved.suggestedFilename(), bytes: await readFile(await saved.path()) };
}

/** Drops a file beside the viewer: it is taken anywhere. */
async function drop(page: Page, name: string, type: string, bytes: Buffer): Promise<void> {
  await page.evaluate(
    ([fileName, mime, data]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(data)], fileName, { type: mime }));
      const init = { dataTransfer: transfer, bubbles: true, cancelable: true };
      document.querySelector('aside')?.dispatchEvent(new DragEvent('drop', init));
    },
    [name, type, [...bytes]] as const,
  );
}

/** A flat picture in Display P3 with 16 bits a channel. */
const p3Picture = () =>
  sharp({ create: { height: 24, width: 32, channels: 3, background: '#c06030' } })
    .toColourspace('rgb16')
    .withIccProfile('p3')
    .png()
    .toBuffer();

test.describe('picture files', () => {
  test('come back in the format, profile and depth asked for, and the choice is remembered', async ({ visit }) => {
    const { page, faults } = await visit();
    const fetched: string[] = [];
    page.on('request', (request) => fetched.push(request.url()));
    await page.getByRole('button', { name: /^Backend/ }).waitFor();
    expect(fetched.filter((url) => url.includes('vips'))).toEqual([]);

    const picture = await p3Picture();
    await openFile(page, 'wide.png', 'image/png', picture);
    await page.getByRole('status', { name: 'Notices' }).getByText(/P3/).waitFor();
    expect(fetched.some((url) => url.endsWith('.wasm') && url.includes('vips'))).toBe(true);
    const bits = page.getByRole('combobox', { name: 'Bits per channel' });
    await page.getByRole('button', { name: 'File format: PNG' }).click();
    await bits.selectOption('8');
    await page.keyboard.press('Escape');
    await upscale(page);
    await page.getByRole('tab', { name: 'Info' }).click();
    await page.getByText(/PNG, 16 bits, .*P3/).waitFor();
    await page.getByRole('button', { name: 'File format: PNG' }).click();
    await bits.selectOption('16');
    const hint = page.getByText('This result was computed in 8 bits');
    await hint.waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/save-options-dark.png` });
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('list', { name: 'Last results' }).getByRole('button').nth(1).waitFor();
    await page.getByRole('button', { name: 'File format: PNG' }).click();
    expect(await bits.inputValue()).toBe('16');
    expect(await hint.count()).toBe(0);
    await page.keyboard.press('Escape');
    const png = await download(page);
    expect(png.name).toBe('wide-128x96.png');
    expect(await sharp(png.bytes).metadata()).toMatchObject({ format: 'png', depth: 'ushort', width: 128, height: 96, hasProfile: true });
    const [before, after] = [await sharp(picture).stats(), await sharp(png.bytes).stats()];
    for (const [i, channel] of after.channels.entries()) {
      expect(Math.abs(channel.mean - (before.channels[i]?.mean ?? 0)) / 257).toBeLessThan(COLOUR_LEVELS);
    }

    await page.getByRole('button', { name: 'File format: PNG' }).click();
    await page.getByLabel('Format', { exact: true }).selectOption('JPEG');
    await page.getByRole('slider', { name: 'Quality' }).press('End');
    await page.keyboard.press('Escape');
    const jpeg = await download(page);
    expect(jpeg.name).toBe('wide-128x96.jpg');
    expect(await sharp(jpeg.bytes).metadata()).toMatchObject({ format: 'jpeg', chromaSubsampling: '4:4:4', hasProfile: true });

    await drop(page, 'wide-128x96.jpg', 'image/jpeg', jpeg.bytes);
    await page.getByText(/Settings restored from “wide-128x96.jpg”/).waitFor();

    await page.reload();
    await openMadePicture(page, 16, 16);
    await upscale(page);
    await page.getByRole('button', { name: 'File format: JPEG' }).waitFor();
    expect(faults).toEqual([]);
  });

  test('are read by the browser itself, and that is said, where the page is not cross-origin isolated', async ({ visit }) => {
    const share = async (route: Route): Promise<void> => {
      const response = await route.fetch();
      const { 'cross-origin-opener-policy': _, 'cross-origin-embedder-policy': __, ...headers } = response.headers();
      await route.fulfill({ response, headers });
    };
    const { page } = await visit({ before: (blank) => blank.route('**/*', share) });
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(false);
    await openMadePicture(page, 20, 30);
    await page
      .getByRole('status', { name: 'Notices' })
      .getByText(/not kept/)
      .waitFor();
    await upscale(page);
    expect(await sharp((await download(page)).bytes).metadata()).toMatchObject({ format: 'png', width: 120, height: 80 });
    await page.getByRole('button', { name: 'File format: PNG' }).click();
    await page.getByLabel('Format', { exact: true }).selectOption('WebP');
    await page.keyboard.press('Escape');
    expect(await sharp((await download(page)).bytes).metadata()).toMatchObject({ format: 'webp', width: 120, height: 80 });
  });

  test('are shown row by row while the result is made', async ({ visit }) => {
    const { page, faults } = await visit();
    // a result of more than one strip
    await openMadePicture(page, 480, 600);
    await page.evaluate(() => {
      const put = CanvasRenderingContext2D.prototype.putImageData;
      const filled: number[] = [];
      CanvasRenderingContext2D.prototype.putImageData = function (data: ImageData, ...place: number[]) {
        put.call(this, data, ...(place as [number, number, number, number, number, number]));
        if (this.canvas.getAttribute('aria-label') !== 'result') return;
        let rows = 0;
        while (rows < data.height && data.data[4 * rows * data.width + 3] === 255) rows++;
        filled.push(rows / data.height);
      };
      Object.assign(window, { filled });
    });
    await upscale(page);
    await expect.poll(() => page.evaluate(() => (window as unknown as { filled: number[] }).filled.at(-1))).toBe(1);
    const filled = await page.evaluate(() => (window as unknown as { filled: number[] }).filled);
    expect(filled).toEqual(filled.toSorted((a, b) => a - b));
    expect(filled[0]).toBeGreaterThan(0);
    expect(filled[0]).toBeLessThan(1);
    expect(faults).toEqual([]);
  });

  test('are chosen on a phone too', PHONE, async ({ visit }) => {
    const { page } = await visit({ colorScheme: 'light' });
    await openMadePicture(page, 24, 30);
    await upscale(page);
    await page.getByRole('button', { name: 'File format: PNG' }).click();
    await page.getByLabel('Format', { exact: true }).selectOption('WebP');
    await page.screenshot({ path: `${SCREENSHOTS}/save-options-phone-light.png` });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(overflow).toBe(0);
  });
});
