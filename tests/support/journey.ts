import { test as base } from 'playwright/test';
import { type Stay, type Visit, visit } from './chromium.ts';

export interface Studio {
  /** A fresh profile at the studio with the nano bundles, of the project's size of screen. */
  readonly visit: (stay?: Stay) => Promise<Visit>;
}

/** A journey of a person through the page: Playwright's `test`, with a studio to visit. */
export const test = base.extend<Studio>({
  visit: async ({ browser, viewport, colorScheme }, use) => {
    const url = process.env['NANO_SITE_URL'];
    if (url === undefined) throw new Error('expected the address of the studio from playwright.config.ts’ globalSetup');
    await use((stay = {}) => visit(browser, url, { viewport, colorScheme, ...stay }));
  },
});

/** Runs on a phone's screen alone, or there too; all else runs on a desktop's. */
export const PHONE = { tag: '@phone' };
export const EVERY_SCREEN = { tag: '@every-screen' };
