// What an administrator does with accounts, groups and rights.
import { expect, type Locator, type Page } from '@playwright/test';
import { go, toast } from './person.ts';
import type { Person } from './rig.ts';

export const item = (page: Page, list: string, name: string): Locator =>
  page.getByRole('list', { name: list, exact: true }).getByRole('listitem', { name, exact: true });

/** Chooses an option of a box that is searched in. */
export async function choose(page: Page, box: Locator, typed: string, option: string | RegExp): Promise<void> {
  await box.fill(typed);
  await page.getByRole('option', { name: option }).first().click();
}

export async function addUser(page: Page, person: Person): Promise<void> {
  await go(page, 'Users');
  await page.getByRole('button', { name: 'Add user' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a user' });
  await dialog.getByLabel('Username').fill(person.name);
  await dialog.getByLabel('Password', { exact: true }).fill(person.password);
  await dialog.getByRole('button', { name: 'Create user' }).click();
  await expect(dialog).toBeHidden({ timeout: 20_000 });
  await expect(toast(page, `${person.name} was added.`)).toBeVisible();
}

export async function addGroup(page: Page, name: string, members: readonly string[]): Promise<void> {
  await go(page, 'Groups');
  await page.getByRole('button', { name: 'Add group' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a group' });
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  for (const member of members) await choose(page, dialog.getByLabel('Members'), member, member);
  // The list to choose from lies over the button.
  await dialog.getByLabel('Name', { exact: true }).click();
  await dialog.getByRole('button', { name: 'Create group' }).click();
  await expect(dialog).toBeHidden();
  await expect(toast(page, `${name} was added.`)).toBeVisible();
}

export async function grant(page: Page, who: string, role: string, object: string): Promise<void> {
  await go(page, 'Rights');
  await page.getByRole('button', { name: 'Grant a right' }).click();
  const dialog = page.getByRole('dialog', { name: 'Grant a right' });
  await choose(page, dialog.getByLabel('Who'), who, who);
  await dialog.getByRole('radio', { name: role, exact: true }).check();
  await choose(page, dialog.getByLabel('On what'), object, object);
  await dialog.getByRole('radio', { name: role, exact: true }).click();
  await dialog.getByRole('button', { name: 'Grant', exact: true }).click();
  await expect(dialog).toBeHidden();
  await expect(toast(page, `${who} is now ${role} of 1 object.`)).toBeVisible();
}

/** Takes an account or a group away again. */
export async function remove(page: Page, list: 'Users' | 'Groups' | 'Resource sets', name: string): Promise<void> {
  await go(page, list);
  await page.getByRole('button', { name: `Delete ${name}`, exact: true }).click();
  const question = page.getByRole('dialog', { name: `Delete ${name}?` });
  await question.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(item(page, list, name)).toHaveCount(0);
}
