import type { TestProject } from 'vitest/node';
import { openSite, type Site } from './site.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    siteUrl: Site['siteUrl'];
    nanoSiteUrl: Site['nanoSiteUrl'];
  }
}

/** Gives the tests of the browser the addresses of a studio. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { siteUrl, nanoSiteUrl, close } = await openSite();
  project.provide('siteUrl', siteUrl);
  project.provide('nanoSiteUrl', nanoSiteUrl);
  return close;
}
