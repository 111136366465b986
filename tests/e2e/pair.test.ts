import { readFile } from 'node:fs/promises';
import { expect, type Page } from 'playwright/test';
import sharp from 'sharp';
import { bandDifference } from '../../src/core/analysis.ts';
import { pngTexts } from '../../workers/imaging/png-texts.ts';
import { openMadePicture, SCREENSHOTS, setSteps, type Visit } from '../support/chromium.ts';
import { maxDifference } from '../support/golden.ts';
import { PHONE, type Studio, test } from '../support/journey.ts';

const STEPS = 4;

const shoot = (page: Page, name: string) => page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });

/** Collects what the pictures in the viewer are called from now on. */
function watchNames(page: Page): Promise<void> {
  return page.evaluate(() => {
    const names = new Set<string>();
    Object.assign(window, { names });
    const collect = (): void => {
      for (const { ariaLabel } of document.querySelectorAll('section[aria-label="Result"] canvas'))
        if (ariaLabel !== null) names.add(ariaLabel);
    };
    new MutationObserver(collect).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
}

const watchedNames = (page: Page) => page.evaluate(() => [...(window as unknown as { readonly names: Set<string> }).names]);

/** A finished pair of the nano bundle and its twin. */
async function pairOnPage(visit: Studio['visit']): Promise<Visit> {
  const visited = await visit();
  const { page } = visited;
  await openMadePicture(page, 40, 56);
  await page.getByText('Compare base and RFSR').click();
  expect(await page.getByRole('switch', { name: 'Compare base and RFSR' }).isChecked()).toBe(true);
  await setSteps(page, STEPS);
  await watchNames(page);
  await page.getByRole('button', { name: 'Upscale' }).click();
  await page.getByLabel(`Step ${STEPS} high frequencies, RFSR`).waitFor();
  await page.getByRole('button', { name: /^Download/ }).waitFor();
  const names = await watchedNames(page);
  expect(names).toContain(`RFSR, step ${STEPS - 1} (preview)`);
  expect(names.filter((name) => name.includes('step 0'))).toEqual([]);
  return visited;
}

/** Saves one of the pair's pictures through the menu. */
async function saved(page: Page, which: string): Promise<{ readonly name: string; readonly bytes: Buffer }> {
  await page.getByRole('button', { name: /^Download/ }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: which }).click()]);
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) };
}

async function pixels(png: Buffer) {
  const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { height: info.height, width: info.width, rgba8: new Uint8ClampedArray(data) };
}

test.describe('a person who compares base and RFSR', () => {
  test('sees both step by step, one slider for both, and every kind of difference with its number', async ({ visit }) => {
    const { page, faults } = await pairOnPage(visit);
    const steps = page.getByRole('region', { name: 'Steps' });
    expect(await steps.getByRole('img', { name: /frequencies, base$/ }).count()).toBe(2 * STEPS);
    expect(await steps.getByRole('img', { name: /frequencies, RFSR$/ }).count()).toBe(2 * STEPS);
    await page.getByRole('img', { name: 'base', exact: true }).waitFor();
    await page.getByRole('img', { name: 'RFSR', exact: true }).waitFor();
    await shoot(page, 'pair-dark');

    const [base, rfsr] = [await pixels((await saved(page, 'Base result')).bytes), await pixels((await saved(page, 'RFSR result')).bytes)];
    await page.getByRole('button', { name: 'Difference' }).click();
    for (const [choice, band] of [
      ['Whole', 'whole'],
      ['Low band', 'low'],
      ['High band', 'high'],
    ] as const) {
      await page.getByLabel('Difference of').selectOption(choice);
      const { meanLevels } = bandDifference(base, rfsr, band, false);
      await page.getByRole('img', { name: `mean ${meanLevels.toFixed(2)} of 255` }).waitFor();
    }
    await page.getByLabel('Difference as').selectOption('Signed');
    await page.getByRole('img', { name: /^difference ×4/ }).waitFor();
    await shoot(page, 'pair-difference-dark');

    const slider = page.getByRole('slider', { name: 'Step', exact: true });
    await slider.focus();
    await slider.press('Home');
    await page.getByText(`step 1 of ${STEPS}`).waitFor();
    await page.getByRole('button', { name: 'Side by side' }).click();
    // both previews give way to the full decode
    await page.getByRole('img', { name: 'base, step 1', exact: true }).waitFor();
    await page.getByRole('img', { name: 'RFSR, step 1', exact: true }).waitFor();
    await page.keyboard.down('Space');
    await page.keyboard.up('Space');
    expect(faults).toEqual([]);
  });

  test('reads the bands over the steps, against a reference too, and saves them', async ({ visit }) => {
    const { page, faults } = await pairOnPage(visit);
    await page.getByRole('tab', { name: 'Analysis' }).click();
    await page.getByRole('img', { name: /^Band energy: at step 4 base low/ }).waitFor();
    const reference = await saved(page, 'Base result');
    await page.getByLabel('Reference file').setInputFiles({ name: 'truth.png', mimeType: 'image/png', buffer: reference.bytes });
    await page.getByRole('img', { name: /^Similarity to the reference .* at step 4 base low 0\.\d+/ }).waitFor();
    await shoot(page, 'pair-analysis-dark');
    const [csv] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save CSV' }).click()]);
    const lines = (await readFile(await csv.path(), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(STEPS + 1);
    expect(lines[0]?.split(',')).toHaveLength(2 + 3 * 4);
    expect(lines[0]).toContain('Band energy · RFSR · high');
    // the first step has nothing to change from; all else is filled
    expect(lines.slice(2).every((line) => line.split(',').every((cell) => cell !== ''))).toBe(true);
    const [png] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Save PNG' }).click()]);
    expect((await sharp(await readFile(await png.path())).stats()).entropy).toBeGreaterThan(0.1);
    expect(faults).toEqual([]);
  });

  test('mixes the finished pair, and the saved picture says so and restores the settings', async ({ visit }) => {
    const { page, faults } = await pairOnPage(visit);
    await page.getByRole('tab', { name: 'Analysis' }).click();
    await page.getByText('Mix the bands of the pair').click();
    await page.getByRole('img', { name: 'mix', exact: true }).waitFor();
    await page.getByLabel('Low band of').selectOption('RFSR');
    // low and high band of one picture at gain 1 are that picture
    const [mix, rfsr] = [await saved(page, 'Mix'), await saved(page, 'RFSR result')];
    expect(mix.name).toBe('made-224x160-mix.png');
    const [mixed, whole] = [await pixels(mix.bytes), await pixels(rfsr.bytes)];
    expect(maxDifference(mixed.rgba8, whole.rgba8)).toBeLessThanOrEqual(1);
    expect(JSON.parse(pngTexts(mix.bytes)['rfsr-studio'] ?? '')).toMatchObject({
      recipe: { bundleId: 'seesr-nano', seed: 42, steps: STEPS },
      mix: { low: 'rfsr', high: 'rfsr', gain: 1, other: { bundleId: 'seesr-nano-rfsr' } },
    });
    await shoot(page, 'pair-mix-dark');

    const { page: other } = await visit();
    await openMadePicture(other, 24, 24);
    const files = await other.evaluateHandle(
      (bytes) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([new Uint8Array(bytes)], 'dropped.png', { type: 'image/png' }));
        return transfer;
      },
      [...rfsr.bytes],
    );
    await other.getByRole('region', { name: 'Image' }).dispatchEvent('drop', { dataTransfer: files });
    await other.getByRole('status', { name: 'Notices' }).getByText('Settings restored').waitFor();
    expect(await other.getByLabel('Model').inputValue()).toBe('seesr-nano-rfsr');
    expect(await other.getByRole('slider', { name: 'Steps', exact: true }).inputValue()).toBe(String(STEPS));
    // the open picture stays
    await other.getByText('24×24 ▸').waitFor();
    expect(faults).toEqual([]);
  });

  test('can do it on a phone', PHONE, async ({ visit, viewport }) => {
    const { page } = await pairOnPage(visit);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(viewport?.width ?? 0);
    await shoot(page, 'pair-phone-dark');
    await page.getByRole('tab', { name: 'Analysis' }).click();
    await page.getByRole('img', { name: /^Band energy/ }).scrollIntoViewIfNeeded();
    await shoot(page, 'pair-phone-analysis-dark');
  });
});
