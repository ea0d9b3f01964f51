// `test` with a rig per worker and watched pages: whatever a test does, a page that breaks its Content-Security-Policy,
// throws, or writes an error to the console fails it.
import { type BrowserContext, type BrowserContextOptions, test as base, expect, type Page } from '@playwright/test';
import { type Rig, startRig } from './rig.ts';

export { expect, type Locator, type Page } from '@playwright/test';

/** The browser's own words about an answer that the page handles: a refused sign-in is a 401. */
const HANDLED = /^Failed to load resource: the server responded with a status of (?:401|429|503)/;

/** Collects what must not happen in any page of a context. */
async function watch(context: BrowserContext, faults: string[]): Promise<void> {
  await context.exposeBinding('reportPolicyViolation', (_, text: string) => faults.push(`CSP: ${text}`));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      const text = `${event.violatedDirective} blocked ${event.blockedURI} in ${event.sourceFile}:${event.lineNumber}`;
      (window as unknown as { reportPolicyViolation: (text: string) => void }).reportPolicyViolation(text);
    });
  });
  context.on('weberror', (error) => faults.push(`uncaught: ${String(error.error())}`));
  context.on('console', (message) => {
    if (message.type() === 'error' && !HANDLED.test(message.text())) faults.push(`console: ${message.text()}`);
  });
}

interface Fixtures {
  /** Opens a page in a browser context of its own, as a second person would. */
  another: (options?: BrowserContextOptions) => Promise<Page>;
  /** What went wrong in the pages; a test that provokes something may empty it. */
  faults: string[];
}

interface WorkerFixtures {
  /** Whether the plugins that misbehave are installed too. */
  hostile: boolean;
  /** How many made-up VMs there are instead of the recorded pools. */
  fleet: number | undefined;
  rig: Rig;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  hostile: [true, { option: true, scope: 'worker' }],
  fleet: [undefined, { option: true, scope: 'worker' }],
  rig: [
    async ({ hostile, fleet }, use) => {
      const rig = await startRig({ hostile, fleet });
      await use(rig);
      await rig.stop();
    },
    { scope: 'worker', timeout: 90_000 },
  ],
  baseURL: async ({ rig }, use) => use(rig.url),
  faults: async ({}, use) => {
    const faults: string[] = [];
    await use(faults);
    expect(faults, 'what the pages complained about').toEqual([]);
  },
  context: async ({ context, faults }, use) => {
    await watch(context, faults);
    await use(context);
  },
  another: async ({ browser, baseURL, faults, contextOptions, locale, timezoneId, viewport }, use) => {
    const opened: BrowserContext[] = [];
    await use(async (options) => {
      const context = await browser.newContext({
        ...contextOptions,
        ...(baseURL && { baseURL }),
        ...(locale && { locale }),
        ...(timezoneId && { timezoneId }),
        viewport,
        reducedMotion: 'reduce',
        ...options,
      });
      opened.push(context);
      await watch(context, faults);
      return context.newPage();
    });
    for (const context of opened) await context.close();
  },
});
