// How the browser tests run: the system's Chromium, two workers, each with a daemon and a directory of its own.
import { defineConfig } from '@playwright/test';

const CHROMIUM = process.env['XYLEM_CHROMIUM'] ?? '/usr/bin/chromium';

export default defineConfig({
  testDir: 'specs',
  outputDir: 'test-results',
  // Each look and click has its own, shorter limit; this one is for whole stories on a machine that does other things too.
  timeout: 180_000,
  expect: { timeout: 20_000 },
  // Stories in a file share what they set up; files do not.
  fullyParallel: false,
  workers: 2,
  retries: 0,
  forbidOnly: process.env['CI'] !== undefined,
  reporter: [['list']],
  use: {
    locale: 'en-US',
    timezoneId: 'UTC',
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    actionTimeout: 20_000,
    navigationTimeout: 30_000,
    screenshot: 'only-on-failure',
    trace: { mode: 'retain-on-failure', screenshots: false, sources: false },
    launchOptions: {
      executablePath: CHROMIUM,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
