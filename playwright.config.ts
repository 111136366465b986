import { defineConfig } from 'playwright/test';
import { chromiumLaunch, DESKTOP_SCREEN, PHONE_SCREEN, TIMEOUT_MS } from './tests/support/chromium.ts';

// journeys of a person through the page; limits are for what hangs, since machines that test are slow and shared
export default defineConfig({
  testDir: 'tests/e2e',
  outputDir: 'artifacts/journeys',
  globalSetup: './tests/support/playwright-setup.ts',
  fullyParallel: true,
  workers: '100%',
  forbidOnly: process.env['CI'] !== undefined,
  timeout: 2 * TIMEOUT_MS,
  expect: { timeout: TIMEOUT_MS / 2 },
  use: {
    launchOptions: chromiumLaunch({ shortRuns: true }),
    actionTimeout: TIMEOUT_MS,
    navigationTimeout: TIMEOUT_MS,
    colorScheme: 'dark',
    // pictures of every moment would cost more than the journeys; a failure has one of its end
    trace: { mode: 'retain-on-failure', screenshots: false },
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'desktop', grepInvert: /@phone/, use: { viewport: DESKTOP_SCREEN } },
    { name: 'phone', grep: /@phone|@every-screen/, use: { viewport: PHONE_SCREEN } },
  ],
});
