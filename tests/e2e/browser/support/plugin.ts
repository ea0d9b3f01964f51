// What an administrator does on a plugin's page.
import { expect, type Locator, type Page } from '@playwright/test';
import { toast } from './person.ts';
import type { Directory } from './rig.ts';

export const LDAP = 'LDAP sign-in';
export const LOOPBACK = 'Allow addresses of this machine (loopback)';

export const ldapScope = (directory: Directory): string => `ldap:${directory.host}:${directory.port}`;

/** Fills in the form of auth-ldap as for a directory that speaks LDAPS with a certificate of its own authority. */
export async function fillLdap(page: Page, directory: Directory): Promise<void> {
  const server = page.getByRole('group', { name: 'Server' });
  await server.getByRole('textbox', { name: 'Host' }).fill(directory.host);
  await server.getByLabel('Port').fill(String(directory.port));
  await server.getByRole('combobox', { name: 'Encryption' }).click();
  await page.getByRole('option', { name: 'ldaps', exact: true }).click();
  await server.getByLabel('CA certificate').fill(directory.ca);
  await page.getByLabel('Search base').fill(directory.base);
  const account = page.getByRole('group', { name: 'Service account' });
  await account.getByLabel('DN').fill(directory.bindDn);
  await account.getByLabel('Password', { exact: true }).fill(directory.bindPassword);
  await page.getByLabel('Filter').fill('(uid={{name}})');
}

/** Saves, and gives the permission that the configuration asks for, in the dialog that comes then. */
export async function saveAndGrant(page: Page, scope: string): Promise<void> {
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(toast(page, 'The configuration was saved.')).toBeVisible();
  const dialog = page.getByRole('dialog', { name: 'Permissions needed' });
  const item = dialog.getByRole('listitem', { name: scope });
  await item.getByRole('checkbox', { name: LOOPBACK }).check();
  await item.getByRole('button', { name: 'Grant', exact: true }).click();
  await expect(item.getByText('Granted', { exact: true })).toBeVisible();
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(dialog).toBeHidden();
}

export async function enable(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Enable', exact: true }).click();
  await expect(toast(page, `${name} is enabled.`)).toBeVisible();
  await expect(page.getByRole('button', { name: 'Disable', exact: true })).toBeVisible();
}

export async function disable(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Disable', exact: true }).click();
  await expect(toast(page, `${name} is disabled.`)).toBeVisible();
}

/** Disables the plugin and forgets its configuration and grants. */
export async function purge(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Purge', exact: true }).click();
  const question = page.getByRole('dialog', { name: 'Purge the configuration of' });
  await question.getByRole('button', { name: 'Purge', exact: true }).click();
  await expect(toast(page, 'The configuration was deleted.')).toBeVisible();
}

export interface Step {
  outcome: 'Passed' | 'Failed' | 'Not reached';
  /** All that the page says about it. */
  text: string;
}

/** The step that failed; those before it passed, those after it were not reached. */
export function failedStep(steps: readonly Step[]): Step {
  const at = steps.findIndex((step) => step.outcome !== 'Passed');
  const failed = steps[at];
  expect(failed?.outcome, JSON.stringify(steps)).toBe('Failed');
  expect(steps.slice(at + 1).filter((step) => step.outcome !== 'Not reached')).toEqual([]);
  return failed as Step;
}

/** Opens the test of a plugin. */
export async function openTest(page: Page, name: string): Promise<Locator> {
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: `Test ${name}` });
  await expect(dialog).toBeVisible();
  return dialog;
}

/** Runs the test that is open, allowing for this one call what it asks for, and returns its steps. */
export async function runTest(dialog: Locator, scope: string): Promise<Step[]> {
  await dialog.getByRole('button', { name: 'Run test' }).click();
  const needs = dialog.getByRole('region', { name: 'This test needs permissions' });
  const item = needs.getByRole('listitem', { name: scope });
  await item.getByRole('checkbox', { name: LOOPBACK }).check();
  await needs.getByRole('button', { name: 'Allow for this test' }).click();
  return resultOf(dialog);
}

export async function resultOf(dialog: Locator): Promise<Step[]> {
  const result = dialog.getByRole('region', { name: 'Result of the test' });
  await expect(result).toBeVisible({ timeout: 20_000 });
  const steps: Step[] = [];
  for (const item of await result.getByRole('listitem').all()) {
    const outcome = (await item.getByRole('img').getAttribute('aria-label')) as Step['outcome'];
    steps.push({ outcome, text: (await item.innerText()).replaceAll(/\s*\n\s*/g, ' | ') });
  }
  return steps;
}
