import { defineConfig } from 'vitest/config';

// the real browser is driven with Playwright from Node, so every runner here is a Node runner
export default defineConfig({
  test: {
    projects: [
      // machines that test are slow and shared: a limit is for what hangs
      { test: { name: 'unit', include: ['tests/unit/**/*.test.ts'], testTimeout: 60_000 } },
      {
        test: {
          name: 'browser',
          include: ['tests/browser/**/*.test.ts'],
          globalSetup: ['tests/support/vitest-setup.ts'],
          testTimeout: 240_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
