// The frame of a page about one object: found or not, live or not, its name and state.
import { IconChevronLeft, IconCloudOff, IconMapQuestion } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Surroundings } from '../../can/can';
import { useLocale, useT } from '../../i18n/i18n';
import { useConnection } from '../../live/live';
import { serversQuery, useUser } from '../../live/queries';
import { useRights } from '../../live/rights';
import { text } from '../../live/vm';
import { useRows } from '../../live/useWatch';
import type { Row } from '../../live/watch';
import { Banner } from '../../ui/Banner';
import { Blank } from '../../ui/Blank';
import { Page } from '../../ui/Page';
import { nameOf } from '../objects/cells';
import { quote } from '../objects/filter';
import type { KindName } from '../objects/kind';
import { KINDS } from '../objects/kinds';
import { Failed, LoadingRows } from '../QueryState';
import classes from './details.module.css';

interface Props {
  kind: KindName;
  id: string;
  fields: readonly string[];
  state?: (row: Row, around: Surroundings) => ReactNode;
  actions?: (row: Row, around: Surroundings) => ReactNode;
  children: (row: Row, around: Surroundings) => ReactNode;
}

export function ObjectFrame({ kind: name, id, fields, state, actions, children }: Props) {
  const t = useT();
  useLocale();
  const kind = KINDS[name];
  const online = useConnection().kind === 'online';
  const user = useUser();
  const rights = useRights();
  const servers = useQuery({ ...serversQuery, enabled: user?.permission === 'admin' }).data;
  const [rows, list, watch] = useRows(
    {
      type: kind.type,
      fields: [...new Set(['name_label', 'name_description', 'tags', '$pool', '$pool.name_label', ...fields])],
      filter: `id:${quote(id)}`,
    },
    2,
  );
  const row = rows.find((one) => one.id === id);
  const back = (
    <Link to={kind.to} className={classes['back']}>
      <IconChevronLeft size={15} aria-hidden />
      {t(`nav.${kind.name}`)}
    </Link>
  );
  if (!row) {
    if (list.total === undefined) {
      return (
        <Page title={t(`detail.one.${kind.name}`)} back={back}>
          {list.error ? <Failed error={list.error} retry={watch.retry} /> : <LoadingRows rows={5} height={72} />}
        </Page>
      );
    }
    return (
      <Blank
        main
        role="status"
        icon={<IconMapQuestion size={26} />}
        title={t(`detail.gone.${kind.name}`)}
        text={t('detail.goneText')}
        action={<Link to={kind.to}>{t(`nav.${kind.name}`)}</Link>}
      />
    );
  }
  const pool = row.type === 'pool' ? row.id : text(row['$pool']);
  const server = servers?.find((one) => one.poolId === pool);
  const connected = !server?.enabled || server.status === 'connected';
  const around: Surroundings = { online, poolConnected: connected, rights };
  return (
    <Page
      back={back}
      title={nameOf(row)}
      aside={state?.(row, around)}
      description={text(row['name_description']) || undefined}
      actions={actions?.(row, around)}
    >
      {!connected && (
        <Banner
          tone="warn"
          icon={<IconCloudOff size={18} />}
          title={t('pool.gone', { name: text(row['$pool.name_label']) || nameOf(row) })}
        >
          {t('detail.stale')}
        </Banner>
      )}
      {children(row, around)}
    </Page>
  );
}
