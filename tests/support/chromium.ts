import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const EXECUTABLES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
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

/** Generous: machines that test are slow and shared. */
const TIMEOUT_MS = 120_000;

export const SCREENSHOTS = 'artifacts/screenshots';

/** A real Chromium, the system's own. Throws when none is installed, with how to get one. */
export async function launchChromium({ softwareGpu = false } = {}): Promise<Browser> {
  const executablePath = process.env['CHROMIUM'] ?? EXECUTABLES.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error('expected Chromium: install it, or name it in the variable CHROMIUM');
  mkdirSync(SCREENSHOTS, { recursive: true });
  return chromium.launch({ executablePath, args: softwareGpu ? [...ARGS, ...SOFTWARE_GPU_ARGS] : ARGS });
}

export interface Visit {
  readonly page: Page;
  /** Errors the page threw or logged. */
  readonly faults: readonly string[];
}

/** A fresh profile at an address, listening for faults. */
export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, colorScheme: 'dark', ...options });
  context.setDefaultTimeout(TIMEOUT_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
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

/** Serious and critical findings of axe, as short lines. */
export async function seriousFindings(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: AXE });
  return page.evaluate(async () => {
    interface Finding {
      readonly impact: string;
      readonly id: string;
      readonly nodes: readonly { readonly html: string }[];
    }
    const { axe } = window as unknown as { readonly axe: { run(): Promise<{ readonly violations: readonly Finding[] }> } };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
  });
}
