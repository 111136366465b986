import { readFile } from 'node:fs/promises';
import { expect, type Page, type Route } from 'playwright/test';
import sharp from 'sharp';
import { giveMemory, openMadePicture, SCREENSHOTS, seriousFindings, setSteps } from '../support/chromium.ts';
import { EVERY_SCREEN, test } from '../support/journey.ts';

const shoot = (page: Page, name: string) => page.screenshot({ path: `${SCREENSHOTS}/${name}.png` });

async function upscaled(page: Page, steps: number): Promise<void> {
  await setSteps(page, steps);
  await page.getByRole('button', { name: 'Upscale' }).click();
  await page.getByRole('button', { name: 'Download' }).waitFor();
}

test.describe('a person who came to upscale', () => {
  test('opens a picture, watches the steps, compares, downloads, and runs again', async ({ visit }) => {
    const { page, faults } = await visit();
    await page.getByRole('region', { name: 'Image' }).waitFor();
    await shoot(page, 'empty-dark');
    await openMadePicture(page, 40, 56);
    await shoot(page, 'ready-dark');
    await setSteps(page, 4);
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByRole('progressbar', { name: 'Progress' }).waitFor();
    await page.getByLabel('Step 1 low frequencies').waitFor();
    await page.getByLabel('Step 4 high frequencies').waitFor();
    await page.getByRole('button', { name: 'Download' }).waitFor();
    expect(await page.getByRole('region', { name: 'Steps' }).getByRole('listitem').count()).toBe(4);

    const compare = page.getByRole('slider', { name: 'Compare' });
    await compare.focus();
    await compare.press('ArrowLeft');
    expect(await compare.inputValue()).toBe('49');

    const result = page.getByRole('img', { name: 'result', exact: true });
    await page.getByRole('button', { name: 'Blink' }).click();
    await result.waitFor();
    await result.waitFor({ state: 'hidden' });
    await result.waitFor();
    await page.getByRole('button', { name: 'Side by side' }).click();
    await page.getByRole('img', { name: 'input', exact: true }).waitFor();
    await result.waitFor();
    await page.getByRole('button', { name: 'Split' }).click();

    const step = page.getByRole('slider', { name: 'Step', exact: true });
    await step.focus();
    await step.press('Home');
    await page.getByText('step 1 of 4').waitFor();
    // the preview gives way to the full decode
    await page.getByRole('img', { name: 'step 1', exact: true }).waitFor();
    await page.getByRole('button', { name: 'High band' }).click();
    await page.getByRole('img', { name: 'step 1, high band', exact: true }).waitFor();
    await shoot(page, 'step-dark');
    await page.getByRole('button', { name: '1:1' }).click();
    await page.getByLabel('Zoom', { exact: true }).getByText('100 %').waitFor();
    await page.getByRole('button', { name: 'Fit' }).click();
    await page.getByRole('button', { name: 'Play steps' }).click();
    await page.getByText('step 4 of 4').waitFor();
    await page.getByRole('region', { name: 'Steps' }).getByRole('button', { name: 'Result' }).click();

    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
    expect(download.suggestedFilename()).toBe('made-224x160.png');
    expect(await sharp(await readFile(await download.path())).metadata()).toMatchObject({ format: 'png', width: 224, height: 160 });

    await page.getByRole('spinbutton', { name: 'Seed' }).fill('7');
    await page.keyboard.press('Tab');
    await upscaled(page, 2);
    const chips = page.getByRole('list', { name: 'Last results' });
    await chips.getByRole('button', { name: /seed 42/ }).click();
    await page.getByText('of 4 ·').waitFor();
    expect(faults).toEqual([]);
  });

  test('changes tags and learns which words the model does not know', async ({ visit }) => {
    const { page } = await visit();
    await openMadePicture(page, 16, 16);
    await page.getByRole('tab', { name: 'Tags & prompt' }).click();
    await page.getByLabel('Add a tag').fill('zeppelin');
    await page.keyboard.press('Enter');
    await page.getByLabel('Add a tag').fill('dog');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Upscale' }).click();
    await page.getByText('does not know: zeppelin').waitFor();
    await page.getByRole('button', { name: 'Remove zeppelin' }).click();
    expect(await page.getByRole('list', { name: 'Tags' }).getByRole('listitem').count()).toBe(1);
  });

  test('reaches the one primary button and its result by keyboard alone', async ({ visit }) => {
    const { page } = await visit();
    await openMadePicture(page, 16, 16);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Download' }).waitFor();
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await page.keyboard.press('Home');
    await page.getByText('step 1 of 4').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('previous, next step').waitFor();
    await page.keyboard.press('Escape');
  });
});

test.describe('bad input', () => {
  const cases = [
    ['text.png', Buffer.from('hello there, this is no picture'), 'image-not-an-image'],
    ['empty.png', Buffer.alloc(0), 'image-empty'],
  ] as const;

  test('is answered with a sentence and its code, and the studio goes on', async ({ visit }) => {
    const { page, faults } = await visit();
    const png = await sharp({ create: { height: 200, width: 200, channels: 3, background: '#777' } })
      .png()
      .toBuffer();
    const huge = Buffer.from(png);
    huge.writeUInt32BE(20_000, 16);
    huge.writeUInt32BE(20_000, 20);
    const files = [
      ...cases,
      ['half.png', png.subarray(0, png.length / 2), 'image-truncated'] as const,
      ['huge.png', huge, 'image-too-large'] as const,
    ];
    for (const [name, buffer, code] of files) {
      await page.getByLabel('Picture file').first().setInputFiles({ name, mimeType: 'image/png', buffer });
      await page.getByRole('alert').getByText(code).waitFor();
      expect(await page.getByRole('alert').textContent()).toContain(name);
    }
    await shoot(page, 'trouble-dark');
    await openMadePicture(page, 16, 16);
    await upscaled(page, 1);
    expect(faults).toEqual([]);
  });

  test('includes pictures whose result would be too large, before anything runs, with what would fit', async ({ visit }) => {
    const { page } = await visit({ before: (blank) => giveMemory(blank, 1) });
    await openMadePicture(page, 1500, 2000);
    await page
      .getByText(/needs about .* would fit/)
      .first()
      .waitFor();
    expect(await page.getByRole('button', { name: 'Upscale' }).isDisabled()).toBe(true);
    await shoot(page, 'refused-dark');
    await page.getByRole('combobox', { name: 'Scale' }).selectOption('1');
    await expect.poll(() => page.getByRole('button', { name: 'Upscale' }).isEnabled()).toBe(true);
  });
});

test.describe('a slow connection', () => {
  test('changes nothing that a person set, nor a picture opened, before the model was there', async ({ visit }) => {
    let connect = (): void => {};
    const connected = new Promise<void>((resolve) => {
      connect = resolve;
    });
    const hold = async (route: Route): Promise<void> => {
      await connected;
      await route.continue();
    };
    const { page, faults } = await visit({ before: (blank) => blank.route('**/manifest.json', hold) });
    await openMadePicture(page, 16, 16);
    await setSteps(page, 2);
    expect(await page.getByRole('button', { name: 'Upscale' }).isDisabled()).toBe(true);
    connect();
    await page.getByRole('button', { name: 'Upscale', disabled: false }).click();
    await page.getByRole('button', { name: 'Download' }).waitFor();
    expect(await page.getByRole('region', { name: 'Steps' }).getByRole('listitem').count()).toBe(2);
    // what was not set is the model's own
    expect(await page.getByRole('spinbutton', { name: 'Guidance' }).inputValue()).toBe('2');
    expect(faults).toEqual([]);
  });
});

test.describe('the page', () => {
  for (const colorScheme of ['dark', 'light'] as const) {
    test(`has no serious accessibility finding, empty and done: ${colorScheme}`, EVERY_SCREEN, async ({ visit }, { project }) => {
      const name = `${project.name}-${colorScheme}`;
      const { page, faults } = await visit({ colorScheme });
      await page.getByRole('button', { name: /^Backend/ }).waitFor();
      await shoot(page, `empty-${name}`);
      expect(await seriousFindings(page)).toEqual([]);
      await openMadePicture(page, 40, 56);
      await upscaled(page, 3);
      await shoot(page, `done-${name}`);
      expect(await seriousFindings(page)).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(overflow).toBe(0);
      expect(faults).toEqual([]);
    });
  }
});
