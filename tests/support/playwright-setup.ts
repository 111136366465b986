import { openSite } from './site.ts';

/** Gives the journeys the address of a studio. */
export default async function setup(): Promise<() => Promise<void>> {
  const { nanoSiteUrl, close } = await openSite();
  process.env['NANO_SITE_URL'] = nanoSiteUrl;
  return close;
}
