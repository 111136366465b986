import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build, preview } from 'vite';
import type { TestProject } from 'vitest/node';
import { NANO_MODELS } from './nano.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Address of the studio as it is published, with its own models. */
    siteUrl: string;
    /** The same studio with the nano bundle as its only model. */
    nanoSiteUrl: string;
  }
}

/** Builds the studio once and serves it twice: with the shipped models, and with the nano bundle. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'rfsr-site-'));
  const site = join(folder, 'site');
  const nanoSite = join(folder, 'nano');
  await build({ logLevel: 'error', build: { outDir: site, emptyOutDir: true, sourcemap: false } });
  cpSync(site, nanoSite, { recursive: true });
  rmSync(join(nanoSite, 'models'), { recursive: true });
  cpSync(NANO_MODELS, join(nanoSite, 'models'), { recursive: true });
  const servers = await Promise.all(
    [site, nanoSite].map((outDir) => preview({ logLevel: 'error', build: { outDir }, preview: { port: 0, strictPort: false } })),
  );
  const [siteUrl, nanoSiteUrl] = servers.map((server) => server.resolvedUrls?.local[0]);
  if (siteUrl === undefined || nanoSiteUrl === undefined) throw new Error('expected two addresses');
  project.provide('siteUrl', siteUrl);
  project.provide('nanoSiteUrl', nanoSiteUrl);
  return async () => {
    await Promise.all(servers.map((server) => server.close()));
    rmSync(folder, { recursive: true });
  };
}
