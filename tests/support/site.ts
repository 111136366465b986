import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, preview } from 'vite';
import { NANO_MODELS } from './nano.ts';

export interface Site {
  /** Address of the studio as it is published, with its own models. */
  readonly siteUrl: string;
  /** The same studio with the nano bundles as its only models. */
  readonly nanoSiteUrl: string;
  readonly close: () => Promise<void>;
}

/** Builds the studio once and serves it twice; where `npm test` did so for all its runners, the addresses are in the environment. */
export async function openSite(): Promise<Site> {
  const { SITE_URL, NANO_SITE_URL } = process.env;
  if (SITE_URL !== undefined && NANO_SITE_URL !== undefined) {
    return { siteUrl: SITE_URL, nanoSiteUrl: NANO_SITE_URL, close: async () => {} };
  }
  const folder = mkdtempSync(join(tmpdir(), 'rfsr-site-'));
  const site = join(folder, 'site');
  const nanoSite = join(folder, 'nano');
  // a test runner's own would make Vite build what is for developers
  process.env['NODE_ENV'] = 'production';
  await build({ logLevel: 'error', build: { outDir: site, emptyOutDir: true, sourcemap: false } });
  cpSync(site, nanoSite, { recursive: true });
  rmSync(join(nanoSite, 'models'), { recursive: true });
  cpSync(NANO_MODELS, join(nanoSite, 'models'), { recursive: true });
  const servers = await Promise.all(
    [site, nanoSite].map((outDir) => preview({ logLevel: 'error', build: { outDir }, preview: { port: 0, strictPort: false } })),
  );
  const [siteUrl, nanoSiteUrl] = servers.map((server) => server.resolvedUrls?.local[0]);
  if (siteUrl === undefined || nanoSiteUrl === undefined) throw new Error('expected two addresses');
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.close()));
    rmSync(folder, { recursive: true });
  };
  return { siteUrl, nanoSiteUrl, close };
}
