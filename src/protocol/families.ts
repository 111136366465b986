import { DIFFBIR_OPTIONS } from './options/diffbir.ts';
import type { FamilyOptions } from './options/family-options.ts';
import { PASD_OPTIONS } from './options/pasd.ts';
import { SEESR_OPTIONS } from './options/seesr.ts';

/** What the page offers for each family; the families there are. */
export const FAMILY_OPTIONS = {
  seesr: SEESR_OPTIONS,
  diffbir: DIFFBIR_OPTIONS,
  pasd: PASD_OPTIONS,
} as const satisfies Readonly<Record<string, FamilyOptions>>;

export type Family = keyof typeof FAMILY_OPTIONS;
export const FAMILIES = Object.keys(FAMILY_OPTIONS) as readonly Family[];
