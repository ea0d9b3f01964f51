// Moves a machine to another host. In another pool its disks and interfaces need new places: what is called there as it is
// here is proposed, the rest is asked for.
import { useState } from 'react';
import { formatBytes, useT } from '../../i18n/i18n';
import { client } from '../../live/live';
import { readOnce } from '../../live/once';
import { useRows } from '../../live/useWatch';
import { text, type VmFacts } from '../../live/vm';
import type { Row } from '../../live/watch';
import { Dialog } from '../../ui/Dialog';
import { Alert } from '../../ui/feedback';
import { Checkbox } from '../../ui/input';
import { Text } from '../../ui/text';
import { toast } from '../../ui/toast';
import { ObjectSelect } from '../ask/ObjectSelect';
import { DialogForm, useSave } from '../DialogForm';
import { number } from '../objects/cells';
import { quote } from '../objects/filter';
import { freeText, networkQuery, srQuery } from './vmForms';

/** Disks or interfaces of one machine, at most; no hypervisor has more. */
const MOST = 500;

/** What was chosen for each disk or interface, by its id. */
type Places = Readonly<Record<string, Row | undefined>>;

interface Props {
  vm: VmFacts;
  onClose: () => void;
}

export function MigrateDialog({ opened, ...rest }: Props & { opened: boolean }) {
  const t = useT();
  return (
    <Dialog
      opened={opened}
      onClose={rest.onClose}
      title={t('vm.migrate.title', { name: rest.vm.name })}
      closeLabel={t('action.close')}
    >
      <MigrateForm {...rest} />
    </Dialog>
  );
}

const idsOf = (places: Places): Record<string, string> =>
  Object.fromEntries(Object.entries(places).flatMap(([id, row]) => (row ? [[id, row.id]] : [])));

function MigrateForm({ vm, onClose }: Props) {
  const t = useT();
  const [attached] = useRows(
    {
      type: 'VBD',
      filter: `VM:${quote(vm.id)} !is_cd_drive?`,
      sort: [{ by: 'position' }],
      fields: ['VDI', 'VDI.name_label', 'VDI.size', 'VDI.$SR.name_label'],
    },
    MOST,
  );
  const [cards] = useRows(
    {
      type: 'VIF',
      filter: `$VM:${quote(vm.id)}`,
      sort: [{ by: 'device' }],
      fields: ['device', '$network.name_label'],
    },
    MOST,
  );
  const [host, setHost] = useState<Row>();
  const [sr, setSr] = useState<Row>();
  const [each, setEach] = useState(false);
  const [srs, setSrs] = useState<Places>({});
  const [networks, setNetworks] = useState<Places>({});
  /** The networks of the other pool. */
  const [there, setThere] = useState<{ pool: string; networks: readonly Row[] }>();
  const [way, setWay] = useState<Row>();
  const [tried, setTried] = useState(false);

  const pool = text(host?.['$pool']) || vm.poolId;
  const away = pool !== vm.poolId;
  const disks = attached.flatMap((one, place) => {
    const id = text(one['VDI']);
    const name = text(one['VDI.name_label']) || t('vm.delete.disk', { number: place });
    return id === '' ? [] : [{ id, name, row: one }];
  });
  const alike = (card: Row) =>
    there?.pool === pool ? there.networks.find((one) => one['name_label'] === card['$network.name_label']) : undefined;
  const wired = away ? cards.map((card) => ({ card, network: networks[card.id] ?? alike(card) })) : [];
  const homeless = away ? disks.filter(({ id }) => !sr && !(each && srs[id])) : [];
  const loose = wired.filter(({ network }) => !network);

  function choose(row: Row | undefined) {
    setHost(row);
    const next = text(row?.['$pool']) || vm.poolId;
    if (next === pool) return;
    // What was chosen lies in the other pool.
    setSr(undefined);
    setSrs({});
    setNetworks({});
    setWay(undefined);
    if (!row || next === vm.poolId) return;
    const id = text(row['$pool.default_SR']);
    const name = text(row['$pool.default_SR.name_label']);
    if (id !== '' && name !== '') setSr({ id, type: 'SR', name_label: name });
    readOnce(networkQuery(next)).then(
      (found) => setThere({ pool: next, networks: found }),
      // Then nothing is proposed.
      () => undefined,
    );
  }

  const move = useSave(async (target: Row) => {
    await client.call('vm.migrate', {
      vm: vm.id,
      targetHost: target.id,
      ...(sr && { sr: sr.id }),
      ...(each && { mapVdisSrs: idsOf(srs) }),
      ...(away && { mapVifsNetworks: idsOf(Object.fromEntries(wired.map((one) => [one.card.id, one.network]))) }),
      ...(way && { migrationNetwork: way.id }),
    });
    toast.success(t('vm.migrate.done', { name: vm.name, host: text(target['name_label']) }));
  });

  function submit() {
    setTried(true);
    if (!host || homeless.length > 0 || loose.length > 0) return;
    move.mutate(host, { onSuccess: onClose });
  }

  const missing = [
    ...homeless.map(({ name }) => t('vm.migrate.disk', { name })),
    ...loose.map(({ card }) => t('vm.migrate.card', { device: text(card['device']) })),
  ];
  const lacks = (is: boolean) => (tried && is ? t('form.required') : undefined);
  return (
    <DialogForm verb={t('vm.migrate.verb')} save={move} onSubmit={submit} onClose={onClose}>
      {tried && missing.length > 0 && (
        <Alert color="red" variant="light" role="alert">
          {t('vm.migrate.missing', { what: missing.join(', ') })}
        </Alert>
      )}
      <Text size="sm">{t('vm.migrate.text')}</Text>
      <ObjectSelect
        label={t('col.host')}
        required
        autoFocus
        query={{
          type: 'host',
          fields: ['name_label', '$pool', '$pool.name_label', '$pool.default_SR', '$pool.default_SR.name_label'],
          filter: `!id:${quote(vm.containerId)} enabled? power_state:Running`,
          sort: [{ by: 'name_label' }],
        }}
        hint={(row) => text(row['$pool.name_label'])}
        value={host}
        onChange={choose}
        error={lacks(!host)}
      />
      {disks.length > 0 && (
        <ObjectSelect
          label={t('vm.migrate.sr')}
          description={t(away ? 'vm.migrate.srAway' : 'vm.migrate.srStays')}
          query={srQuery(pool)}
          hint={freeText}
          value={sr}
          onChange={setSr}
          error={lacks(!each && homeless.length > 0)}
        />
      )}
      {disks.length > 1 && (
        <Checkbox
          label={t('vm.migrate.each')}
          checked={each}
          onChange={(event) => setEach(event.currentTarget.checked)}
        />
      )}
      {each &&
        disks.map(({ id, name, row }) => (
          <ObjectSelect
            key={id}
            label={t('vm.migrate.disk', { name })}
            description={t('vm.migrate.now', {
              place: [formatBytes(number(row, 'VDI.size') ?? 0), text(row['VDI.$SR.name_label'])].join(' · '),
            })}
            placeholder={sr ? t('vm.migrate.asAll') : away ? undefined : t('vm.migrate.stays')}
            query={srQuery(pool)}
            hint={freeText}
            value={srs[id]}
            onChange={(chosen) => setSrs((old) => ({ ...old, [id]: chosen }))}
            error={lacks(homeless.some((one) => one.id === id))}
          />
        ))}
      {wired.map(({ card, network }) => (
        <ObjectSelect
          key={card.id}
          label={t('vm.migrate.card', { device: text(card['device']) })}
          description={t('vm.migrate.now', { place: text(card['$network.name_label']) })}
          required
          query={networkQuery(pool)}
          hint={(row) => text(row['name_description'])}
          value={network}
          onChange={(chosen) => setNetworks((old) => ({ ...old, [card.id]: chosen }))}
          error={lacks(!network)}
        />
      ))}
      {away && (
        <ObjectSelect
          label={t('vm.migrate.way')}
          description={t('vm.migrate.wayText')}
          query={networkQuery(pool)}
          hint={(row) => text(row['name_description'])}
          value={way}
          onChange={setWay}
        />
      )}
    </DialogForm>
  );
}
