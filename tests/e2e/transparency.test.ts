import { readFile } from 'node:fs/promises';
import { expect } from 'playwright/test';
import sharp from 'sharp';
import type { Image8 } from '../../src/protocol/request.ts';
import { strokes } from '../support/charts.ts';
import { SCREENSHOTS, setSteps } from '../support/chromium.ts';
import { BACKGROUNDS, fringe, NO_FRINGE } from '../support/fringe.ts';
import { test } from '../support/journey.ts';

const COLOUR = [200, 60, 140] as const;
/**
 * Levels of alpha from one pixel to the next. The strokes' edges jump by nearly all 255 in a pixel, which repeated pixels would do too; a cubic
 * spreads that over 4, steepest in the middle by less than a half more.
 */
const SMOOTH = (255 / 4) * 1.5;

test.describe('a person with a picture of thin strokes over nothing', () => {
  test('sees it over checks, enlarges it, and saves it with smooth edges and no fringe', async ({ visit }) => {
    const { height, width, rgba8 } = strokes(40, 48, COLOUR);
    const png = await sharp(rgba8, { raw: { height, width, channels: 4 } })
      .png()
      .toBuffer();
    const { page, faults } = await visit();
    await page.evaluate(
      (bytes) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(bytes)], 'strokes.png', { type: 'image/png' }));
        const init = { dataTransfer: transfer, bubbles: true, cancelable: true };
        document.querySelector('section[aria-label="Image"]')?.dispatchEvent(new DragEvent('drop', init));
      },
      [...png],
    );
    await page.getByText('48×40 ▸ 192×160').waitFor();
    await setSteps(page, 1);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).click();
    await page.getByText('Transparency was enlarged separately and kept.').waitFor();
    const result = page.getByRole('img', { name: 'result', exact: true });
    await result.waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/transparency-dark.png` });
    // nothing of the input shines through the result
    expect(await result.evaluate((canvas) => getComputedStyle(canvas.parentElement as Element).backgroundImage)).toContain('gradient');

    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
    const { data, info } = await sharp(await readFile(await download.path()))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info).toMatchObject({ height: 160, width: 192, channels: 4 });
    const saved = { height: info.height, width: info.width, rgba8: new Uint8ClampedArray(data) };
    for (const [name, background] of BACKGROUNDS) expect(fringe(saved, saved, COLOUR, background), name).toBeLessThan(NO_FRINGE);
    expect(steepest({ height, width, rgba8 })).toBeGreaterThan(200);
    expect(steepest(saved)).toBeLessThan(SMOOTH);
    expect(faults).toEqual([]);
  });
});

/** The largest change of alpha from a pixel to the one right of it. */
function steepest({ height, width, rgba8 }: Image8): number {
  let most = 0;
  for (let i = 0; i < height * width; i++) {
    if (i % width > 0) most = Math.max(most, Math.abs((rgba8[4 * i + 3] ?? Number.NaN) - (rgba8[4 * i - 1] ?? Number.NaN)));
  }
  return most;
}
