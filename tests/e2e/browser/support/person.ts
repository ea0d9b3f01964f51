// What a person does on every page: sign in, find their way, sign out. By role and label only.
import { expect, type Locator, type Page } from '@playwright/test';
import type { Person } from './rig.ts';

/** Fills in the sign-in form and sends it; what comes of it is the caller's to check. */
export async function trySignIn(page: Page, person: Person, provider?: string): Promise<void> {
  if (provider) {
    await page.getByRole('combobox', { name: 'Account' }).click();
    await page.getByRole('option', { name: provider, exact: true }).click();
  }
  await page.getByLabel('Username').fill(person.name);
  await page.getByLabel('Password', { exact: true }).fill(person.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

export const refusal = (page: Page): Locator => page.getByRole('alert').filter({ hasText: 'is wrong' });

/** Signs in as somebody who has a password of their own. */
export async function enter(page: Page, person: Person): Promise<void> {
  await page.goto('/login');
  await trySignIn(page, person);
  await expect(account(page, person)).toBeVisible({ timeout: 30_000 });
}

/** Signs in as the administrator, and puts the change of the first password off where it is asked for. */
export async function signIn(page: Page, person: Person): Promise<void> {
  await page.goto('/login');
  await trySignIn(page, person);
  // Checking a password is slow on purpose, more so in a build without optimisations on a busy machine.
  await expect(account(page, person)).toBeVisible({ timeout: 30_000 });
  await putOff(page);
}

/** The question for a new password comes once per visit, right after the page. */
export async function putOff(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog', { name: 'Choose your own password' });
  await dialog.getByRole('button', { name: 'Later' }).click();
  await expect(dialog).toBeHidden();
}

export const account = (page: Page, person: Person): Locator =>
  page.getByRole('button', { name: `Account: ${person.name}` });

export async function signOut(page: Page, person: Person): Promise<void> {
  await account(page, person).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
}

const LINKS = [
  'Virtual machines',
  'Hosts',
  'Pools',
  'Storage',
  'Networks',
  'Servers',
  'Plugins',
  'Users',
  'Groups',
  'Rights',
  'Resource sets',
  'Your resources',
  'Tokens',
  'Audit',
] as const;

/** Below this width in pixels the sidebar is a drawer. */
const NARROW = 897;

/** Follows a link of the sidebar. */
export async function go(page: Page, link: (typeof LINKS)[number]): Promise<void> {
  if ((page.viewportSize()?.width ?? NARROW) < NARROW) {
    await page.getByRole('button', { name: 'Open navigation' }).click();
  }
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: link, exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name: link })).toBeVisible();
}

export async function openProfile(page: Page, person: Person): Promise<void> {
  await account(page, person).click();
  await page.getByRole('menuitem', { name: 'Your profile' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Your profile' })).toBeVisible();
}

export async function openPlugin(page: Page, name: string): Promise<void> {
  await go(page, 'Plugins');
  await page.getByRole('link', { name, exact: true }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
}

export const vmTable = (page: Page): Locator => page.getByRole('table', { name: 'Virtual machines' });

export const vmRow = (page: Page, name: string): Locator =>
  vmTable(page)
    .getByRole('row')
    .filter({ has: page.getByRole('cell', { name, exact: true }) });

/** A short message about what was done. */
export const toast = (page: Page, text: string | RegExp): Locator =>
  page.getByRole('status').or(page.getByRole('alert')).filter({ hasText: text });

/** Whether something sticks out at the right: on a narrow screen that means scrolling sideways. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  const sticksOut = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await expect.poll(sticksOut, 'pixels beyond the right edge').toBeLessThanOrEqual(0);
}

export const searchBox = (page: Page, kind = 'virtual machines'): Locator =>
  page.getByRole('textbox', { name: `Search ${kind}` });

/** The rows of a list, without its header. */
export const bodyRows = (page: Page, table: string): Locator =>
  page
    .getByRole('table', { name: table, exact: true })
    .getByRole('row')
    .filter({ has: page.getByRole('cell') });

/** How many objects a list has, drawn or not: the header counts as a row. */
export async function expectCount(page: Page, table: string, count: number): Promise<void> {
  await expect(page.getByRole('table', { name: table, exact: true })).toHaveAttribute(
    'aria-rowcount',
    String(count + 1),
  );
}
