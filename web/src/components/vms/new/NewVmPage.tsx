// Makes a machine from a template. One form, from top to bottom: the template proposes, people change.
import { IconChevronLeft, IconPlus, IconTrash } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useRouter } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { fieldErrors } from '../../../api/errors';
import { useT } from '../../../i18n/i18n';
import { client } from '../../../live/live';
import { cloudConfigsQuery, readAgain, setsQuery } from '../../../live/queries';
import { useRights } from '../../../live/rights';
import { text } from '../../../live/vm';
import type { Row } from '../../../live/watch';
import { Button, IconButton } from '../../../ui/Button';
import { Alert, Loader } from '../../../ui/feedback';
import { Checkbox, NativeSelect, NumberInput, Textarea, TextInput } from '../../../ui/input';
import { Group, Stack } from '../../../ui/layout';
import { Card, Page } from '../../../ui/Page';
import { required } from '../../../ui/required';
import { Text } from '../../../ui/text';
import { toast } from '../../../ui/toast';
import { ObjectSelect } from '../../ask/ObjectSelect';
import details from '../../details/details.module.css';
import { errorText } from '../../errorText';
import { byIds, quote } from '../../objects/filter';
import { byText } from '../../people/people';
import { Limits } from '../../sets/Limits';
import { amountText, lacking, limitName } from '../../sets/limits';
import { mayMake } from '../NewVmButton';
import { networkQuery, srQuery } from '../vmForms';
import { type Draft, type Faults, faultsOf, needOf, newKey, paramsOf, propose, TEMPLATE_FIELDS } from './draft';
import classes from './new.module.css';

/** `wanted`: the id of the resource set that is chosen at first. */
export function NewVmPage({ wanted }: { wanted: string | undefined }) {
  const t = useT();
  const navigate = useNavigate();
  const router = useRouter();
  const rights = useRights();
  const sets = useQuery(setsQuery).data?.toSorted(byText((one) => one.name)) ?? [];
  const [setId, setSetId] = useState(wanted);
  const free = mayMake(rights);
  const set = sets.find((one) => one.id === setId) ?? (free ? undefined : sets[0]);
  const form = useRef<HTMLFormElement>(null);
  const [template, setTemplate] = useState<Row>();
  const chosen = useRef<Row>(undefined);
  const [draft, setDraft] = useState<Draft>();
  const before = useRef<Draft>(undefined);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const reading = template !== undefined && draft?.template !== template;
  const faults: Faults = tried && draft ? faultsOf(draft) : {};
  const needed = draft ? needOf(draft) : {};
  const lacks = set ? lacking(set, needed) : [];
  const change = (part: Partial<Draft>) => setDraft((old) => old && { ...old, ...part });

  function choose(row: Row | undefined) {
    chosen.current = row;
    setTemplate(row);
    setError(undefined);
    if (!row) return;
    propose(row, set, draft ?? before.current).then(
      // Somebody may have chosen another one meanwhile.
      (proposed) => chosen.current === row && setDraft(proposed),
      (problem: unknown) => {
        if (chosen.current !== row) return;
        setError(problem);
        setTemplate(undefined);
      },
    );
  }

  /** What a set does not offer cannot be kept. */
  function chooseSet(id: string) {
    setSetId(id);
    before.current = draft;
    setDraft(undefined);
    choose(undefined);
  }

  async function submit() {
    setTried(true);
    if (!draft || reading || busy) return;
    // Administrators go over the limits.
    if (Object.keys(faultsOf(draft)).length > 0 || (rights && lacks.length > 0)) {
      // After the faults are drawn.
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus());
      return;
    }
    setBusy(true);
    setError(undefined);
    try {
      const id = await client.call('vm.create', paramsOf(draft));
      void readAgain('sets');
      toast.success(t('vm.made', { name: draft.name.trim() }));
      // Unless somebody has gone elsewhere meanwhile.
      if (router.history.location.pathname === '/vms/new') await navigate({ to: '/vms/$id', params: { id } });
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  }

  return (
    <Page
      title={t('new.title')}
      back={
        <Link to="/vms" className={details['back']}>
          <IconChevronLeft size={15} aria-hidden />
          {t('nav.vms')}
        </Link>
      }
    >
      <form
        ref={form}
        noValidate
        className={classes['form']}
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Card title={t('new.what')}>
          <Stack gap="md">
            {sets.length > 0 && (
              <NativeSelect
                label={t('new.set')}
                description={t('new.setText')}
                value={set?.id ?? ''}
                data={[
                  ...(free ? [{ value: '', label: t('new.noSet') }] : []),
                  ...sets.map(({ id, name }) => ({ value: id, label: name })),
                ]}
                onChange={(event) => chooseSet(event.currentTarget.value)}
              />
            )}
            <ObjectSelect
              label={t('new.template')}
              description={t('new.templateText')}
              required
              query={{
                type: 'VM-template',
                fields: TEMPLATE_FIELDS,
                sort: [{ by: 'name_label' }],
                ...(set && { filter: byIds(set.objects) ?? '!id?' }),
              }}
              hint={(row) => text(row['$pool.name_label'])}
              value={template}
              onChange={choose}
              error={tried && !template ? t('form.required') : undefined}
            />
            {reading && <Loader size="sm" aria-label={t('state.loading')} />}
            {draft && (
              <>
                <TextInput
                  label={t('col.name')}
                  {...required(true)}
                  autoComplete="off"
                  value={draft.name}
                  onChange={(event) => change({ name: event.currentTarget.value })}
                  error={faults['name']}
                />
                <TextInput
                  label={t('col.description')}
                  autoComplete="off"
                  value={draft.description}
                  onChange={(event) => change({ description: event.currentTarget.value })}
                />
                <div className={classes['pair']}>
                  <NumberInput
                    label={t('col.cpus')}
                    min={1}
                    allowDecimal={false}
                    {...required(true)}
                    value={draft.cpus}
                    onChange={(value) => change({ cpus: String(value) })}
                    error={faults['cpus']}
                  />
                  <NumberInput
                    label={t('col.memory')}
                    min={0}
                    suffix=" GiB"
                    {...required(true)}
                    value={draft.memory}
                    onChange={(value) => change({ memory: String(value) })}
                    error={faults['memory']}
                  />
                </div>
              </>
            )}
          </Stack>
        </Card>
        {draft && (
          <>
            <Disks draft={draft} faults={faults} set={change} />
            <Networks draft={draft} faults={faults} set={change} />
            <Configuration draft={draft} set={change} />
          </>
        )}
        {set && (
          <Card title={t('new.room', { name: set.name })}>
            <Stack gap="md">
              <Limits set={set} label={t('sets.limitsOf', { name: set.name })} planned={needed} />
              {draft && lacks.length > 0 && (
                <Alert color={rights ? 'red' : 'yellow'} variant="light" role="alert">
                  {t('new.noRoom', {
                    lacking: lacks
                      .map(({ name, missing }) =>
                        t('new.lacks', { amount: amountText(name, missing), name: limitName(name) }),
                      )
                      .join(', '),
                  })}
                </Alert>
              )}
            </Stack>
          </Card>
        )}
        {error !== undefined && (
          <Alert color="red" variant="light" role="alert" title={t('new.failed')}>
            {errorText(error)}
            {fieldErrors(error).map(({ instancePath, message }) => (
              <div key={`${instancePath} ${message}`}>{[instancePath, message].filter(Boolean).join(': ')}</div>
            ))}
          </Alert>
        )}
        <Group justify="flex-end" gap="sm">
          {busy && (
            <Text size="sm" c="dimmed" role="status">
              {t('new.busy')}
            </Text>
          )}
          <Button type="button" variant="default" onClick={() => void navigate({ to: '/vms' })}>
            {t('action.cancel')}
          </Button>
          <Button type="submit" loading={busy}>
            {t('new.submit')}
          </Button>
        </Group>
      </form>
    </Page>
  );
}

interface PartProps {
  draft: Draft;
  set: (change: Partial<Draft>) => void;
}

function Disks({ draft, faults, set }: PartProps & { faults: Faults }) {
  const t = useT();
  const pool = text(draft.template['$pool']);
  const change = (key: number, change_: Partial<Draft['disks'][number]>) =>
    set({ disks: draft.disks.map((disk) => (disk.key === key ? { ...disk, ...change_ } : disk)) });
  return (
    <Card
      title={t('detail.disks')}
      actions={
        <Button
          type="button"
          variant="default"
          size="xs"
          leftSection={<IconPlus size={15} aria-hidden />}
          onClick={() =>
            set({
              disks: [
                ...draft.disks,
                {
                  key: newKey(),
                  name: t('vm.delete.disk', { number: draft.disks.length }),
                  size: '10',
                  sr: draft.defaultSr,
                },
              ],
            })
          }
        >
          {t('disk.add.menu')}
        </Button>
      }
    >
      {draft.disks.length === 0 && <p className={details['empty']}>{t('detail.noDisks')}</p>}
      <Stack gap="md">
        {draft.disks.map((disk, index) => (
          <div key={disk.key} role="group" aria-label={t('new.diskNumber', { number: index + 1 })}>
            <div className={classes['disk']}>
              <TextInput
                label={t('col.name')}
                {...required(true)}
                autoComplete="off"
                value={disk.name}
                onChange={(event) => change(disk.key, { name: event.currentTarget.value })}
                error={faults[`name ${disk.key}`]}
              />
              <NumberInput
                label={t('col.size')}
                {...required(true)}
                min={0}
                suffix=" GiB"
                value={disk.size}
                onChange={(value) => change(disk.key, { size: String(value) })}
                error={faults[`size ${disk.key}`]}
              />
              <ObjectSelect
                label={t('col.sr')}
                required
                disabled={disk.brought !== undefined}
                query={srQuery(pool, draft.set?.objects)}
                value={disk.sr}
                onChange={(sr) => change(disk.key, { sr })}
                error={faults[`sr ${disk.key}`]}
              />
              {disk.brought ? (
                <span />
              ) : (
                <span className={classes['remove']}>
                  <IconButton
                    label={t('new.removeDisk', { name: disk.name })}
                    tone="danger"
                    onClick={() => set({ disks: draft.disks.filter((one) => one !== disk) })}
                  >
                    <IconTrash size={17} aria-hidden />
                  </IconButton>
                </span>
              )}
            </div>
            {disk.brought && (
              <Text size="xs" c="dimmed" mt={4}>
                {t('new.brought')}
              </Text>
            )}
          </div>
        ))}
      </Stack>
    </Card>
  );
}

function Networks({ draft, faults, set }: PartProps & { faults: Faults }) {
  const t = useT();
  return (
    <Card
      title={t('detail.interfaces')}
      actions={
        <Button
          type="button"
          variant="default"
          size="xs"
          leftSection={<IconPlus size={15} aria-hidden />}
          onClick={() => set({ cards: [...draft.cards, { key: newKey(), network: undefined }] })}
        >
          {t('vif.add.menu')}
        </Button>
      }
    >
      {draft.cards.length === 0 && <p className={details['empty']}>{t('detail.noInterfaces')}</p>}
      <Stack gap="md">
        {draft.cards.map((card, index) => (
          <div key={card.key} className={classes['card']}>
            <ObjectSelect
              label={t('new.networkNumber', { number: index + 1 })}
              required
              query={networkQuery(text(draft.template['$pool']), draft.set?.objects)}
              value={card.network}
              onChange={(network) =>
                set({ cards: draft.cards.map((one) => (one.key === card.key ? { ...one, network } : one)) })
              }
              error={faults[`card ${card.key}`]}
            />
            <span className={classes['remove']}>
              <IconButton
                label={t('new.removeNetwork', { number: index + 1 })}
                tone="danger"
                onClick={() => set({ cards: draft.cards.filter((one) => one.key !== card.key) })}
              >
                <IconTrash size={17} aria-hidden />
              </IconButton>
            </span>
          </div>
        ))}
      </Stack>
    </Card>
  );
}

function Configuration({ draft, set }: PartProps) {
  const t = useT();
  const stored = useQuery(cloudConfigsQuery).data ?? [];
  const [from, setFrom] = useState(draft.config === '' ? 'none' : 'own');
  return (
    <Card title={t('new.configuration')}>
      <Stack gap="md">
        {draft.discs.length > 0 && (
          <ObjectSelect
            label={t('new.disc')}
            description={t('new.discText')}
            query={{
              type: 'VDI',
              fields: ['name_label', '$SR.name_label'],
              filter: `|(${draft.discs.map((id) => `$SR:${quote(id)}`).join(' ')})`,
              sort: [{ by: 'name_label' }],
            }}
            hint={(row) => text(row['$SR.name_label'])}
            value={draft.disc}
            onChange={(disc) => set({ disc })}
          />
        )}
        <NativeSelect
          label={t('new.cloudConfig')}
          description={t('new.cloudConfigText')}
          value={from}
          data={[
            { value: 'none', label: t('new.noConfig') },
            { value: 'own', label: t('new.ownConfig') },
            ...stored.map(({ id, name }) => ({ value: id, label: name })),
          ]}
          onChange={(event) => {
            const value = event.currentTarget.value;
            setFrom(value);
            const kept = stored.find((one) => one.id === value)?.template;
            set({ config: kept ?? (value === 'none' ? '' : draft.config || '#cloud-config\nhostname: {name}\n') });
          }}
        />
        {from !== 'none' && (
          <Textarea
            label={t('new.userData')}
            description={t('new.userDataText', { place: '{name}' })}
            autosize
            minRows={6}
            maxRows={24}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: '0.8125rem' } }}
            value={draft.config}
            onChange={(event) => set({ config: event.currentTarget.value })}
          />
        )}
        {draft.set && draft.set.subjects.length > 0 && (
          <Checkbox
            label={t('new.share')}
            checked={draft.share}
            onChange={(event) => set({ share: event.currentTarget.checked })}
          />
        )}
        <Checkbox
          label={t('new.start')}
          checked={draft.start}
          onChange={(event) => set({ start: event.currentTarget.checked })}
        />
      </Stack>
    </Card>
  );
}
