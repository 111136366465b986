import type { Page } from 'playwright';

/** One press of Upscale: seconds of its stages, as the page itself says. */
export async function timedRun(page: Page) {
  await page.getByRole('tab', { name: 'Settings' }).click();
  const began = performance.now();
  await page.getByRole('button', { name: 'Upscale' }).click();
  await page
    .getByLabel(/^Step 1 low frequencies/)
    .first()
    .waitFor();
  const firstPreviewSeconds = (performance.now() - began) / 1000;
  await page.getByRole('button', { name: /^Download/ }).waitFor({ timeout: 600_000 });
  await page.getByRole('button', { name: 'Upscale' }).waitFor({ timeout: 600_000 });
  await page.getByRole('tab', { name: 'Info' }).click();
  const stages = await page
    .getByRole('tabpanel')
    .getByRole('listitem')
    .evaluateAll((items) => Object.fromEntries(items.map((item) => (item.textContent ?? '').match(/^([a-z]+)([\d.]+)/)?.slice(1) ?? [])));
  const seconds = Object.fromEntries(Object.entries(stages).map(([stage, text]) => [stage, Number(text)]));
  const inGraphs = /(\d+) % inside/.exec((await page.getByRole('tabpanel').textContent()) ?? '')?.[1];
  return { seconds, firstPreviewSeconds, inGraphsPercent: Number(inGraphs) };
}
