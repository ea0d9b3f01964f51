// Virtual machines: search and filter in the URL, banners for pools that are away, the live list.
import { IconSearch, IconSearchOff, IconServerOff, IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useDeferredValue, useMemo, useState } from 'react';
import { useT } from '../../i18n/i18n';
import { inventory, useConnection, useInventoryState, useVmSnapshot } from '../../live/live';
import { serversQuery, useUser } from '../../live/queries';
import type { VmRow } from '../../live/rows';
import { Blank } from '../../ui/Blank';
import { Button, RowButton } from '../../ui/Button';
import { SegmentedControl, TextInput } from '../../ui/input';
import { Text } from '../../ui/text';
import { Page } from '../../ui/Page';
import { Failed, LoadingRows } from '../QueryState';
import { PoolBanners, troubled } from './PoolBanners';
import classes from './VmsPage.module.css';
import type { VmSearch } from './vmSearch';
import { VmTable } from './VmTable';

interface Props {
  search: VmSearch;
  onSearch: (change: VmSearch) => void;
}

const matches = (vm: VmRow, needle: string): boolean =>
  vm.name.toLowerCase().includes(needle) || vm.addresses.some((address) => address.includes(needle));

export function VmsPage({ search, onSearch }: Props) {
  const t = useT();
  const state = useInventoryState();
  const all = useVmSnapshot();
  const user = useUser();
  const online = useConnection().kind === 'online';
  const servers = useQuery({ ...serversQuery, enabled: user?.permission === 'admin' }).data;
  const [text, setText] = useState(search.q ?? '');
  const needle = useDeferredValue(text.trim().toLowerCase());

  const gone = useMemo(
    () => new Set(troubled(servers ?? []).flatMap((s) => (s.status !== 'connected' && s.poolId ? [s.poolId] : []))),
    [servers],
  );
  const found = useMemo(() => (needle === '' ? all : all.filter((vm) => matches(vm, needle))), [all, needle]);
  const running = useMemo(() => found.filter((vm) => vm.powerState === 'Running'), [found]);
  const halted = useMemo(() => found.filter((vm) => vm.powerState === 'Halted'), [found]);
  const shown = search.show === 'running' ? running : search.show === 'halted' ? halted : found;
  const sort = search.sort ?? 'name';
  const sorting = useMemo(() => [{ id: sort, desc: search.desc ?? false }], [sort, search.desc]);

  function type(value: string) {
    setText(value);
    onSearch({ q: value.trim() || undefined });
  }

  let content;
  if (state.kind === 'failed') content = <Failed error={state.error} retry={() => void inventory.load()} />;
  else if (state.kind === 'loading') content = <LoadingRows rows={8} height={44} />;
  else if (all.length === 0) content = <NoVms servers={servers?.length} />;
  else if (shown.length === 0) {
    content = (
      <Blank
        role="status"
        icon={<IconSearchOff size={26} />}
        title={t('vms.noMatch')}
        text={t('vms.noMatchText')}
        action={
          <Button
            variant="default"
            onClick={() => {
              setText('');
              onSearch({ q: undefined, show: undefined });
            }}
          >
            {t('vms.clear')}
          </Button>
        }
      />
    );
  } else {
    content = (
      <VmTable
        vms={shown}
        sorting={sorting}
        online={online}
        gone={gone}
        onSort={(column) => onSearch({ sort: column, desc: column === sort && !search.desc ? true : undefined })}
      />
    );
  }

  return (
    <Page
      fill
      title={t('nav.vms')}
      aside={
        state.kind === 'ready' &&
        all.length > 0 && (
          <Text component="span" c="dimmed" role="status">
            {t('vms.count', { count: all.length })}
          </Text>
        )
      }
    >
      {servers && <PoolBanners servers={servers} />}
      {state.kind === 'ready' && all.length > 0 && (
        <div className={classes['tools']} role="search">
          <TextInput
            className={classes['search']}
            aria-label={t('vms.search')}
            placeholder={t('vms.search')}
            value={text}
            onChange={(event) => type(event.currentTarget.value)}
            leftSection={<IconSearch size={16} aria-hidden />}
            rightSection={
              text !== '' && (
                <RowButton label={t('vms.clear')} onClick={() => type('')}>
                  <IconX size={15} aria-hidden />
                </RowButton>
              )
            }
          />
          <SegmentedControl
            aria-label={t('vms.show')}
            size="xs"
            value={search.show ?? 'all'}
            onChange={(value) => onSearch({ show: value === 'all' ? undefined : value })}
            data={[
              { value: 'all', label: t('vms.all', { count: found.length }) },
              { value: 'running', label: t('vms.running', { count: running.length }) },
              { value: 'halted', label: t('vms.halted', { count: halted.length }) },
            ]}
          />
        </div>
      )}
      {content}
    </Page>
  );
}

function NoVms({ servers }: { servers: number | undefined }) {
  const t = useT();
  return (
    <Blank
      role="status"
      icon={<IconServerOff size={26} />}
      title={t('vms.empty')}
      text={servers === 0 ? t('vms.emptyNoServer') : t('vms.emptyText')}
      action={servers === 0 && <Link to="/settings/servers">{t('vms.addServer')}</Link>}
    />
  );
}
