// Memory of the page and its workers over many pictures in a row in Chromium, each of them upscaled anew: at the end against after the
// first three. `npm run long-run -- [PICTURES]`; exit code 1 where it grew by more than a tenth.
import { launchChromium, openMadePicture, setSteps, visit } from '../tests/support/chromium.ts';
import { openSite } from '../tests/support/site.ts';

const FIRST = 3;
const MOST_GROWTH = 0.1;
const SIDE = 96;
const STEPS = 4;
const pictures = Number(process.argv[2] ?? 30);
if (!Number.isInteger(pictures) || pictures <= FIRST) throw new RangeError(`expected more than ${FIRST} pictures, got ${process.argv[2]}`);

interface Measuring {
  measureUserAgentSpecificMemory(): Promise<{ readonly bytes: number }>;
}

const site = await openSite();
const browser = await launchChromium({ measuresMemory: true });
try {
  const { page } = await visit(browser, site.nanoSiteUrl);
  const bytes: number[] = [];
  for (let i = 0; i < pictures; i++) {
    await openMadePicture(page, SIDE, SIDE + (i % 2) * 8);
    await setSteps(page, STEPS);
    await page.getByRole('button', { name: 'Upscale', disabled: false }).click();
    await page.getByRole('button', { name: 'Cancel' }).waitFor();
    await page.getByRole('button', { name: 'Upscale' }).waitFor();
    bytes.push(await page.evaluate(async () => (await (performance as unknown as Measuring).measureUserAgentSpecificMemory()).bytes));
  }
  const [then, now] = [bytes[FIRST - 1] ?? Number.NaN, bytes.at(-1) ?? Number.NaN];
  const growth = now / then - 1;
  const holds = growth <= MOST_GROWTH;
  console.log(bytes.map((one, i) => `${i + 1}: ${(one / 1e6).toFixed(1)} MB`).join('\n'));
  console.log(`${holds ? 'holds' : 'DOES NOT HOLD'}: ${(100 * growth).toFixed(1)} % after ${pictures} pictures, against after ${FIRST}`);
  process.exitCode = holds ? 0 : 1;
} finally {
  await browser.close();
  await site.close();
}
