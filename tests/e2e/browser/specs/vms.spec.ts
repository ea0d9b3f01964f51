// The way in, and the list of VMs: what was recorded is what is shown, and it changes live for everybody.
import {
  account,
  expectNoSidewaysScrolling,
  go,
  putOff,
  refusal,
  searchBox,
  signIn,
  signOut,
  trySignIn,
  vmRow,
  vmTable,
} from '../support/person.ts';
import { POOLS, recordedVms } from '../support/rig.ts';
import { expect, test } from '../support/test.ts';

const RECORDED = POOLS.flatMap((pool) => recordedVms(pool));
const DEMO = 'Demo Linux VM (1)';

/** The issue names one second; a test on a busy machine asserts five times as much and prints what it was. */
const SEEN_WITHIN = 5_000;

test('from the sign-in page to the recorded VMs', async ({ page, rig }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();

  await test.step('a wrong password is refused with a message', async () => {
    await trySignIn(page, { name: 'somebody', password: 'wrong' });
    await expect(refusal(page)).toBeVisible();
    await expect(page.getByLabel('Password', { exact: true })).toHaveValue('');
  });

  await test.step('the printed password lets in; changing it can be put off', async () => {
    await trySignIn(page, rig.admin);
    await expect(account(page, rig.admin)).toBeVisible();
    await putOff(page);
    await page.reload();
    await expect(vmTable(page)).toBeVisible();
    await expect(page.getByRole('dialog')).toHaveCount(0);
  });

  await test.step('the list is the recorded one: no templates, snapshots or control domains', async () => {
    await expect(page.getByText(`${RECORDED.length} machines`)).toBeVisible();
    const rows = vmTable(page).getByRole('row');
    await expect(rows).toHaveCount(RECORDED.length + 1);
    for (const { name, state } of RECORDED) {
      await expect(vmRow(page, name), name).toHaveCount(1);
      await expect(vmRow(page, name).getByText(state, { exact: true }), name).toBeVisible();
    }
    const running = RECORDED.filter((vm) => vm.state === 'Running').length;
    await expect(page.getByRole('radio', { name: `Running ${running}` })).toBeAttached();
  });

  await test.step('searching and filtering stay in the address', async () => {
    await searchBox(page).fill('name_label:demo');
    await expect(vmTable(page).getByRole('row')).toHaveCount(2);
    await expect(page).toHaveURL(/q=name_label/);
    await page.reload();
    await expect(vmTable(page).getByRole('row')).toHaveCount(2);
    await page.getByRole('button', { name: 'Clear search' }).click();
    await expect(vmTable(page).getByRole('row')).toHaveCount(RECORDED.length + 1);
  });

  await signOut(page, rig.admin);
  await page.goto('/vms');
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('a started VM shows as running in a second browser', async ({ page, another, rig }) => {
  const other = await another();
  await signIn(page, rig.admin);
  await signIn(other, rig.admin);
  const [here, there] = [vmRow(page, DEMO), vmRow(other, DEMO)];
  await expect(there.getByText('Halted', { exact: true })).toBeVisible();

  await test.step('start', async () => {
    // Both clocks are this machine's, so what the test itself needs to click and look does not count.
    const clicked = page.evaluate(
      () =>
        new Promise<number>((done) => {
          document.addEventListener('click', () => done(Date.now()), { capture: true, once: true });
        }),
    );
    const seen = there.evaluate(
      (row) =>
        new Promise<number>((done) => {
          new MutationObserver((_, observer) => {
            if (!row.textContent?.includes('Running')) return;
            observer.disconnect();
            done(Date.now());
          }).observe(row, { subtree: true, childList: true, characterData: true });
        }),
    );
    await here.getByRole('button', { name: `Start ${DEMO}`, exact: true }).click();
    await expect(there.getByText('Running', { exact: true })).toBeVisible();
    const took = (await seen) - (await clicked);
    console.log(`a started VM was seen running in the second browser after ${took} ms`);
    test.info().annotations.push({ type: 'start to second browser, ms', description: String(took) });
    expect(took).toBeLessThan(SEEN_WITHIN);
    await expect(here.getByText('Running', { exact: true })).toBeVisible();
  });

  await test.step('what cannot be done now says why', async () => {
    await expect(here.getByRole('button', { name: `Start ${DEMO}`, exact: true })).toBeDisabled();
    await expect(here.getByRole('button', { name: `Start ${DEMO}`, exact: true })).toHaveAttribute(
      'title',
      'It is running already.',
    );
  });

  await test.step('stopping asks first', async () => {
    await here.getByRole('button', { name: `Stop ${DEMO}`, exact: true }).click();
    const question = page.getByRole('dialog', { name: `Stop ${DEMO}?` });
    await question.getByRole('button', { name: 'Cancel' }).click();
    await expect(question).toBeHidden();
    await expect(there.getByText('Running', { exact: true })).toBeVisible();
    await here.getByRole('button', { name: `Stop ${DEMO}`, exact: true }).click();
    await question.getByRole('radio', { name: 'Force off' }).check();
    await question.getByRole('button', { name: 'Stop' }).click();
    await expect(there.getByText('Halted', { exact: true })).toBeVisible();
    await expect(here.getByText('Halted', { exact: true })).toBeVisible();
  });
});

test('on a phone', async ({ another, rig }) => {
  const page = await another({ viewport: { width: 390, height: 844 }, hasTouch: true });
  await signIn(page, rig.admin);
  await expect(vmRow(page, DEMO)).toBeVisible();
  await expect(vmRow(page, DEMO).getByRole('button', { name: `Start ${DEMO}`, exact: true })).toBeInViewport({
    ratio: 1,
  });
  await expectNoSidewaysScrolling(page);
  await go(page, 'Servers');
  await expectNoSidewaysScrolling(page);
  await go(page, 'Plugins');
  await expectNoSidewaysScrolling(page);
  await page.getByRole('link', { name: 'LDAP sign-in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'LDAP sign-in' })).toBeVisible();
  await expectNoSidewaysScrolling(page);
  await go(page, 'Virtual machines');
  await signOut(page, rig.admin);
  await expectNoSidewaysScrolling(page);
});
