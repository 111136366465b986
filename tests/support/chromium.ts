import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type LaunchOptions, type Page } from 'playwright';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const EXECUTABLES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
export const NO_CHROMIUM =
  'expected Chromium: install it, or Playwright’s with “npx playwright install chromium”, or name one in the variable CHROMIUM';

/** The executable that CHROMIUM names, or the system's, or one that Playwright was made to download before. */
export function findChromium(): string | undefined {
  return process.env['CHROMIUM'] ?? [...EXECUTABLES, chromium.executablePath()].find((path) => existsSync(path));
}

/** Debian's executable is a script that starts the one in here. */
const DEBIAN_FOLDER = '/usr/lib/chromium';

const ARGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** WebGPU on a processor: slow and correct. */
const SOFTWARE_GPU_ARGS = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'];

/** WebAssembly is compiled once, plainly: the second, optimised time takes longer than all that a run of a few thousand weights computes. */
const SHORT_RUN_ARGS = ['--js-flags=--no-wasm-tier-up'];

/** Memory is measured when it is asked for, its rubbish collected first, not some time later. */
const MEASURED_MEMORY_ARGS = ['--enable-blink-features=ForceEagerMeasureMemory'];

/** Generous: machines that test are slow and shared. */
export const TIMEOUT_MS = 120_000;

export const DESKTOP_SCREEN = { width: 1440, height: 900 };
export const PHONE_SCREEN = { width: 390, height: 844 };
export const SCREENSHOTS = 'artifacts/screenshots';

/** How a Chromium of this machine is started. Throws when there is none, with how to get one. */
export function chromiumLaunch({ softwareGpu = false, shortRuns = false, measuresMemory = false } = {}): LaunchOptions {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(NO_CHROMIUM);
  const own = [softwareGpu ? SOFTWARE_GPU_ARGS : [], shortRuns ? SHORT_RUN_ARGS : [], measuresMemory ? MEASURED_MEMORY_ARGS : []];
  return { executablePath, args: [...ARGS, ...own.flat()] };
}

export async function launchChromium(options: Parameters<typeof chromiumLaunch>[0] = {}): Promise<Browser> {
  return chromium.launch(chromiumLaunch(options));
}

/** The description of Chromium's software Vulkan driver, with which Node's WebGPU runs where there is no graphics card. */
export function softwareVulkan(): string {
  const folders = [dirname(realpathSync(findChromium() ?? '')), DEBIAN_FOLDER];
  const path = folders.map((folder) => join(folder, 'vk_swiftshader_icd.json')).find((candidate) => existsSync(candidate));
  if (path === undefined) throw new Error(`expected vk_swiftshader_icd.json beside Chromium, in ${folders.join(' or ')}`);
  return path;
}

export interface Visit {
  readonly page: Page;
  /** Errors the page threw or logged. */
  readonly faults: readonly string[];
}

export interface Stay extends BrowserContextOptions {
  /** What is done to the page before it is loaded. */
  readonly before?: (page: Page) => Promise<unknown>;
}

/** A fresh profile at an address, listening for faults. Without a service worker, unless it is asked for: what is tested is what is served. */
export async function visit(browser: Browser, url: string, { before, ...options }: Stay = {}): Promise<Visit> {
  const stay = { viewport: DESKTOP_SCREEN, colorScheme: 'dark', serviceWorkers: 'block', ...options } as const;
  const context = await browser.newContext(stay);
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await before?.(page);
  await page.goto(url);
  return { page, faults };
}

/** Lets the page's models run on a device of so much memory; to be called before the page is loaded. */
export async function giveMemory(page: Page, gibibytes: number): Promise<void> {
  await page.route('**/studio.worker-*.js', async (route) => {
    const response = await route.fetch();
    const body = `Object.defineProperty(navigator, 'deviceMemory', { value: ${gibibytes} });\n${await response.text()}`;
    await route.fulfill({ response, body });
  });
}

/** Gives the page's file input a picture made by the page itself: a PNG of soft shapes. */
export async function openMadePicture(page: Page, height: number, width: number): Promise<void> {
  const bytes = await page.evaluate(
    async ([h, w]) => {
      const canvas = new OffscreenCanvas(w, h);
      const context = canvas.getContext('2d');
      if (context === null) throw new Error('no canvas');
      const gradient = context.createLinearGradient(0, 0, w, h);
      gradient.addColorStop(0, '#14507c');
      gradient.addColorStop(1, '#e8b04a');
      context.fillStyle = gradient;
      context.fillRect(0, 0, w, h);
      context.fillStyle = '#7a1f2b';
      context.fillRect(w / 4, h / 4, w / 3, h / 5);
      return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
    },
    [height, width] as const,
  );
  await page
    .getByLabel('Picture file')
    .first()
    .setInputFiles({ name: 'made.png', mimeType: 'image/png', buffer: Buffer.from(bytes) });
  await page.getByText(`${width}×${height} ▸`).waitFor();
}

/** Sets a slider of the page by keyboard. */
export async function setSteps(page: Page, steps: number): Promise<void> {
  const slider = page.getByRole('slider', { name: 'Steps', exact: true });
  await slider.focus();
  await slider.press('Home');
  for (let step = 1; step < steps; step++) await slider.press('ArrowRight');
}

/** Files the studio keeps of runs under way: name and time of the last change. */
export function keptSteps(page: Page): Promise<Readonly<Record<string, number>>> {
  return page.evaluate(async () => {
    const found: Record<string, number> = {};
    const root = await navigator.storage.getDirectory();
    const runs = await root.getDirectoryHandle('checkpoints').catch(() => null);
    if (runs === null) return found;
    for await (const run of runs.values()) {
      if (run.kind !== 'directory') continue;
      for await (const file of run.values()) if (file.kind === 'file') found[file.name] = (await file.getFile()).lastModified;
    }
    return found;
  });
}

/** Findings of axe that are more than minor, as short lines. */
export async function seriousFindings(page: Page): Promise<string[]> {
  // the page's policy lets no script in from elsewhere
  await page.evaluate(readFileSync(AXE, 'utf8'));
  return page.evaluate(async () => {
    interface Finding {
      readonly impact: string;
      readonly id: string;
      readonly nodes: readonly { readonly html: string }[];
    }
    const { axe } = window as unknown as { readonly axe: { run(): Promise<{ readonly violations: readonly Finding[] }> } };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact !== 'minor')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  });
}
