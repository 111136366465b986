import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'vite';
import { launchChromium, visit } from '../tests/support/chromium.ts';

const ROOT = 'scripts/peers';
export const PEERS = ['upscaler (esrgan-slim)', 'upscaler (esrgan-thick)', 'upscalejs (Real-ESRGAN 6B)'] as const;
/** Longer than anybody waits; a peer that takes longer has not survived the picture. */
const LIMIT_MS = 300_000;

declare global {
  interface Window {
    /** Of the peers' page: seconds of a warm run, whose PNG the page's link then downloads. */
    upscale(peer: string, pictureUrl: string): Promise<number>;
  }
}

/** What a peer made of a picture, or why it made nothing. */
export type PeerResult = { readonly seconds: number } | { readonly failure: string };

export interface PeersSite {
  /** One peer on a picture at ×4, warmed up on a crop of it, into a PNG file. */
  run(peer: (typeof PEERS)[number], input: string, output: string): Promise<PeerResult>;
  close(): Promise<void>;
}

/** The browser's other upscalers on a page of their own: they are installed beside it, not with the studio. */
export async function openPeers(): Promise<PeersSite> {
  if (!existsSync(`${ROOT}/node_modules`)) {
    const words = ['install', '--prefix', ROOT, '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
    const { status } = spawnSync('npm', words, { stdio: 'inherit' });
    if (status !== 0) throw new Error(`expected npm to install ${ROOT}/package.json`);
  }
  const headers = { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' };
  const site = await createServer({ root: ROOT, configFile: false, logLevel: 'error', server: { headers } });
  await site.listen();
  return {
    async run(peer, input, output) {
      const browser = await launchChromium();
      try {
        const { page } = await visit(browser, site.resolvedUrls?.local[0] ?? '');
        await page.route('**/picture.png', (route) => route.fulfill({ body: readFileSync(input), contentType: 'image/png' }));
        await page.waitForFunction(() => document.title === 'Ready');
        const late = new Promise<never>((_, reject) => {
          setTimeout(() => reject(new Error(`no result after ${LIMIT_MS / 1000} s`)), LIMIT_MS).unref();
        });
        const dead = new Promise<never>((_, reject) => {
          page.on('crash', () => reject(new Error('the page crashed')));
        });
        const seconds = await Promise.race([page.evaluate((name) => window.upscale(name, '/picture.png'), peer), late, dead]);
        const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Result' }).click()]);
        await download.saveAs(output);
        return { seconds };
      } catch (error) {
        return { failure: (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '' };
      } finally {
        await browser.close();
      }
    },
    close: () => site.close(),
  };
}
