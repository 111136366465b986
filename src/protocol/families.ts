import { DIFFBIR_OPTIONS } from './options/diffbir.ts';
import type { FamilyOptions } from './options/family-options.ts';
import { PASD_OPTIONS } from './options/pasd.ts';
import { SEESR_OPTIONS } from './options/seesr.ts';

export const FAMILIES = ['seesr', 'diffbir', 'pasd'] as const;
export type Family = (typeof FAMILIES)[number];

/** What the page offers for each family. */
export const FAMILY_OPTIONS: Readonly<Record<Family, FamilyOptions>> = {
  seesr: SEESR_OPTIONS,
  diffbir: DIFFBIR_OPTIONS,
  pasd: PASD_OPTIONS,
};
