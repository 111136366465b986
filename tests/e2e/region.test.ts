import { readFile } from 'node:fs/promises';
import { expect, type Page } from 'playwright/test';
import sharp from 'sharp';
import { openMadePicture, SCREENSHOTS, setSteps } from '../support/chromium.ts';
import { test } from '../support/journey.ts';

/** Away from the region's border, where the tiles around it are missing, it is what the whole is there. */
const LEVELS = 2;
const BORDER_PX = 16;

async function saved(page: Page) {
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: /^Download/ }).click()]);
  return sharp(await readFile(await download.path()))
    .raw()
    .toBuffer({ resolveWithObject: true });
}

test.describe('a person who tries a part of the picture first', () => {
  test('draws it, runs it alone, and finds it again in the whole', async ({ visit }) => {
    const { page, faults } = await visit();
    await openMadePicture(page, 60, 80);
    await setSteps(page, 3);
    await page.getByRole('button', { name: 'Draw region' }).click();
    const picture = page.getByRole('img', { name: 'input' });
    const box = await picture.boundingBox();
    if (box === null) throw new Error('expected the picture on screen');
    const at = (x: number, y: number) => [box.x + (x / 80) * box.width, box.y + (y / 60) * box.height] as const;
    await page.mouse.move(...at(10, 8));
    await page.mouse.down();
    await page.mouse.move(...at(40, 30));
    await page.mouse.up();
    await page.screenshot({ path: `${SCREENSHOTS}/region-drawn.png` });
    const text = await page.getByRole('button', { name: /^Region \d+×\d+$/ }).textContent();
    const [width = 0, height = 0] = (text ?? '').match(/\d+/g)?.map(Number) ?? [];
    // a pixel of the screen is less than one of the picture, but its corners may fall into the next
    expect(Math.abs(width - 30)).toBeLessThanOrEqual(1);
    expect(Math.abs(height - 22)).toBeLessThanOrEqual(1);
    await page.getByText(`80×60 ▸ ${4 * width}×${4 * height}`).waitFor();

    await page.getByRole('button', { name: 'Upscale' }).click();
    const part = await saved(page);
    expect([part.info.width, part.info.height]).toEqual([4 * width, 4 * height]);
    await page.screenshot({ path: `${SCREENSHOTS}/region-done.png` });

    await page.getByRole('button', { name: 'Whole picture' }).click();
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    await page.getByRole('button', { name: 'Upscale' }).waitFor();
    const whole = await saved(page);
    expect([whole.info.width, whole.info.height]).toEqual([320, 240]);
    expect(worst(part, whole)).toBeLessThanOrEqual(LEVELS);
    expect(faults).toEqual([]);
  });
});

test.describe('the region', () => {
  test('is given by number too, with a keyboard', async ({ visit }) => {
    const { page, faults } = await visit();
    await openMadePicture(page, 60, 80);
    await page.getByRole('button', { name: 'Draw region', pressed: false }).press('Enter');
    for (const [label, value] of [
      ['Left', '50'],
      ['Top', '8.5'],
      ['Top', '8'],
      ['Height', '20'],
    ] as const) {
      await page.getByRole('spinbutton', { name: label }).fill(value);
    }
    await page.screenshot({ path: `${SCREENSHOTS}/region-inputs-dark.png` });
    await page.getByText('80×60 ▸ 120×80').waitFor();
    await page.getByRole('button', { name: 'Region 30×20', pressed: true }).press('Enter');
    await page.getByRole('button', { name: 'Region 30×20', pressed: false }).waitFor();
    expect(await page.getByRole('spinbutton', { name: 'Left' }).count()).toBe(0);
    expect(faults).toEqual([]);
  });

  test('is drawn by one finger, whatever a second does, and not by a touch that is taken away', async ({ visit }) => {
    const { page } = await visit({ hasTouch: true });
    await openMadePicture(page, 60, 80);
    await page.getByRole('button', { name: 'Draw region' }).click();
    const box = await page.getByRole('img', { name: 'input' }).boundingBox();
    if (box === null) throw new Error('expected the picture on screen');
    const finger = (id: number, x: number, y: number) => ({ id, x: box.x + (x / 80) * box.width, y: box.y + (y / 60) * box.height });
    const session = await page.context().newCDPSession(page);
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd' | 'touchCancel', ...touchPoints: ReturnType<typeof finger>[]) =>
      session.send('Input.dispatchTouchEvent', { type, touchPoints });

    await touch('touchStart', finger(0, 10, 10));
    await touch('touchMove', finger(0, 20, 20));
    await touch('touchCancel');
    await page.getByRole('button', { name: 'Draw region', pressed: true }).waitFor();

    await touch('touchStart', finger(0, 10, 10));
    await touch('touchMove', finger(0, 30, 30));
    await touch('touchStart', finger(0, 30, 30), finger(1, 70, 50));
    await touch('touchMove', finger(0, 30, 30), finger(1, 75, 55));
    // the second is lifted
    await touch('touchMove', finger(0, 50, 40));
    await touch('touchEnd');
    const text = await page.getByRole('button', { name: /^Region \d+×\d+$/, pressed: false }).textContent();
    const [width = 0, height = 0] = (text ?? '').match(/\d+/g)?.map(Number) ?? [];
    expect(Math.abs(width - 40)).toBeLessThanOrEqual(1);
    expect(Math.abs(height - 30)).toBeLessThanOrEqual(1);
  });
});

/** The largest difference, in levels, of a part to where it fits the whole best, away from the part's border. */
function worst(part: Awaited<ReturnType<typeof saved>>, whole: Awaited<ReturnType<typeof saved>>): number {
  // the drawn corner is known to a pixel of the input only
  const corners = [9, 10].flatMap((left) => [7, 8].map((top) => [4 * left, 4 * top] as const));
  return Math.min(
    ...corners.map(([left, top]) => {
      let most = 0;
      for (let y = BORDER_PX; y < part.info.height - BORDER_PX; y++) {
        for (let x = BORDER_PX; x < part.info.width - BORDER_PX; x++) {
          for (let c = 0; c < 3; c++) {
            const here = part.data[(y * part.info.width + x) * part.info.channels + c] ?? Number.NaN;
            const there = whole.data[((top + y) * whole.info.width + left + x) * whole.info.channels + c] ?? Number.NaN;
            most = Math.max(most, Math.abs(here - there));
          }
        }
      }
      return most;
    }),
  );
}
