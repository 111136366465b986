import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, type Page } from 'playwright/test';
import { FAMILY_OPTIONS } from '../../src/protocol/families.ts';
import { parseIndex } from '../../src/protocol/manifest.ts';
import { openMadePicture, SCREENSHOTS, setSteps } from '../support/chromium.ts';
import { test } from '../support/journey.ts';
import { NANO_MODELS } from '../support/nano.ts';

const STEPS = 3;
const INDEX = parseIndex(readFileSync(join(NANO_MODELS, 'index.json'), 'utf8'));

async function upscaleWith(page: Page, id: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Model' }).selectOption(id);
  await setSteps(page, STEPS);
  await page.getByRole('button', { name: 'Upscale', disabled: false }).click();
  await page.getByLabel(`Step ${STEPS} high frequencies`).first().waitFor();
  await page.getByRole('button', { name: 'Upscale', disabled: false }).waitFor();
}

async function holdAgainst(page: Page, name: RegExp): Promise<void> {
  const against = page.getByRole('combobox', { name: 'Compare with' });
  await against.selectOption((await against.getByRole('option', { name }).getAttribute('value')) ?? '');
}

test.describe('a person who tries every family', () => {
  test('finds them by name, each with its own choices, and their published settings', async ({ visit }) => {
    const { page, faults } = await visit();
    await openMadePicture(page, 40, 56);
    const model = page.getByRole('combobox', { name: 'Model' });
    const groups = () => model.locator('optgroup').evaluateAll((found) => found.map((group) => group.getAttribute('label')));
    await expect.poll(groups).toEqual([...new Set(INDEX.bundles.map(({ family }) => FAMILY_OPTIONS[family].name))]);
    await page.getByText('Advanced').click();
    const first = async (name: string) => page.getByRole('combobox', { name }).locator('option').first().textContent();
    for (const { id, family } of INDEX.bundles) {
      const { samplers, startPoints } = FAMILY_OPTIONS[family];
      await model.selectOption(id);
      await expect.poll(() => first('Sampler')).toBe(samplers[0]?.text);
      expect(await first('Start from')).toBe(startPoints[0]?.text);
    }
    await model.selectOption('pasd-nano');
    await page.getByRole('combobox', { name: 'Start from' }).selectOption('lr-twice-legacy');
    await page.getByText('hardly anything of the input').waitFor();
    await page.getByRole('button', { name: 'PASD’s published settings' }).click();
    expect(await page.getByRole('spinbutton', { name: 'Guidance' }).inputValue()).toBe('9');
    await page.getByRole('button', { name: 'This model’s own' }).click();
    await expect.poll(() => page.getByRole('spinbutton', { name: 'Guidance' }).inputValue()).toBe('2');
    expect(faults).toEqual([]);
  });

  test('sees DiffBIR’s first stage as a frame of its own, and holds the result against it', async ({ visit }) => {
    const { page, faults } = await visit();
    await openMadePicture(page, 40, 56);
    await upscaleWith(page, 'diffbir-nano');
    const steps = page.getByRole('region', { name: 'Steps' });
    await steps.getByRole('img', { name: 'First stage' }).waitFor();
    expect(await steps.getByRole('listitem').count()).toBe(STEPS);
    await steps.getByRole('button', { name: 'stage 1' }).click();
    const result = page.getByRole('region', { name: 'Result' });
    await result.getByRole('img', { name: 'first stage' }).waitFor();
    expect(await page.getByRole('combobox', { name: 'Compare with' }).inputValue()).toBe('first-stage');
    await page.screenshot({ path: `${SCREENSHOTS}/first-stage.png` });
    await steps.getByRole('button', { name: 'stage 1' }).click();
    await result.getByRole('img', { name: 'input' }).waitFor();
    expect(faults).toEqual([]);
  });

  test('compares any two finished results, step by step too, and only of one picture', async ({ visit }) => {
    const { page, faults } = await visit();
    await openMadePicture(page, 40, 56);
    await upscaleWith(page, 'seesr-nano');
    await upscaleWith(page, 'pasd-nano');
    const against = page.getByRole('combobox', { name: 'Compare with' });
    await holdAgainst(page, /^SeeSR nano/);
    const result = page.getByRole('region', { name: 'Result' });
    await result.getByRole('img', { name: /^SeeSR nano/ }).waitFor();
    await result.getByRole('img', { name: /^PASD nano/ }).waitFor();
    await page.getByRole('button', { name: 'Difference' }).click();
    await page.getByText(/difference ×4 · mean \d/).waitFor();
    await page.getByRole('button', { name: 'Show step 2' }).click();
    await page.getByRole('button', { name: 'Side by side' }).click();
    await result.getByRole('img', { name: /^SeeSR nano.*step 2/ }).waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/two-families.png` });

    await openMadePicture(page, 24, 24);
    await upscaleWith(page, 'seesr-nano');
    expect(await against.getByRole('option').allTextContents()).toEqual(['Input', 'Bicubic']);
    expect(faults).toEqual([]);
  });

  test('compares the bases of two pairs, and any other two of their results, step by step', async ({ visit }) => {
    const { page, faults } = await visit();
    await openMadePicture(page, 40, 56);
    await page.getByText('Compare base and RFSR').click();
    await upscaleWith(page, 'diffbir-nano');
    await upscaleWith(page, 'pasd-nano');
    const result = page.getByRole('region', { name: 'Result' });
    await result.getByRole('img', { name: 'RFSR', exact: true }).waitFor();
    const chips = page.getByRole('list', { name: 'Last results' }).getByRole('button');
    expect(await chips.count()).toBe(4);
    const against = page.getByRole('combobox', { name: 'Compare with' });
    for (let after = 0; after < 4; after++) {
      await chips.nth(after).click();
      const name = (await chips.nth(after).textContent()) ?? '';
      const others = (await chips.allTextContents()).filter((other) => other !== name);
      const offered = (await against.getByRole('option').allTextContents()).filter((text) => others.includes(text));
      // of an RFSR result its own base is what it opens with
      expect(offered).toHaveLength(/RFSR/.test(name) ? 2 : 3);
    }
    await chips.getByText(/^PASD nano \(/).click();
    await result.getByRole('img', { name: 'base', exact: true }).waitFor();
    await holdAgainst(page, /^DiffBIR nano \(/);
    await result.getByRole('img', { name: /^DiffBIR nano \(/ }).waitFor();
    await result.getByRole('img', { name: /^PASD nano \(/ }).waitFor();
    await page.getByLabel(/^Step 3 low frequencies, DiffBIR nano \(/).waitFor();
    await page.getByRole('button', { name: 'Show step 2' }).click();
    await result.getByRole('img', { name: /^PASD nano \(.*, step 2$/ }).waitFor();
    await result.getByRole('img', { name: /^DiffBIR nano \(.*, step 2/ }).waitFor();
    await page.screenshot({ path: `${SCREENSHOTS}/two-bases.png` });
    expect(faults).toEqual([]);
  });
});
