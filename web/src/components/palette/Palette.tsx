// The command palette: pages, any object by its name, and what may be done to a machine now. A chunk of its own, loaded
// when it is opened for the first time.
import { IconPlayerPlay, IconPower, IconRotateClockwise, IconUserCircle } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { can, type Surroundings } from '../../can/can';
import { t as translate, useT } from '../../i18n/i18n';
import { useConnection } from '../../live/live';
import { serversQuery, useUser } from '../../live/queries';
import { useRights } from '../../live/rights';
import { text, VM_FIELDS, vmFacts } from '../../live/vm';
import { useRows } from '../../live/useWatch';
import type { Row } from '../../live/watch';
import { type Command, CommandDialog } from '../../ui/CommandDialog';
import { nameOf, whereText } from '../objects/cells';
import { byName } from '../objects/filter';
import type { Kind } from '../objects/kind';
import { KINDS } from '../objects/kinds';
import { type Paged, PAGES } from '../objects/ObjectAnchor';
import { SETTINGS } from '../settingsPages';
import { restartVm, startVm, stopVm } from '../vms/vmVerbs';

/** What is found by name; whoever wants more uses a list. */
const MOST = 12;

/** Verbs are offered for so few machines that it is clear which is meant, or when a verb was typed. */
const FEW = 3;

const VERBS = [
  ['start', can.vm.start, startVm, IconPlayerPlay],
  ['stop', can.vm.stop, stopVm, IconPower],
  ['restart', can.vm.restart, restartVm, IconRotateClockwise],
] as const;

/** "stop web" is a verb and a name, in the reader's language. */
function readVerb(query: string): { verb: (typeof VERBS)[number][0] | undefined; rest: string } {
  const [first = '', ...rest] = query.trim().split(/\s+/);
  const verb = VERBS.find(([name]) => translate(`action.${name}`).toLowerCase() === first.toLowerCase())?.[0];
  return verb && rest.length > 0 ? { verb, rest: rest.join(' ') } : { verb: undefined, rest: query };
}

const kindOf = (type: string): Kind | undefined => Object.values(KINDS).find((kind) => kind.type === type);

export default function Palette({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const t = useT();
  const [query, setQuery] = useState('');
  const close = () => {
    setQuery('');
    onClose();
  };
  const commands = useCommands(opened ? query : undefined);
  return (
    <CommandDialog
      opened={opened}
      onClose={close}
      label={t('palette.label')}
      placeholder={t('palette.placeholder')}
      query={query}
      onQuery={setQuery}
      commands={commands}
      nothing={t('palette.nothing')}
      footer={t('palette.footer')}
    />
  );
}

function useCommands(query: string | undefined): Command[] {
  const t = useT();
  const navigate = useNavigate();
  const online = useConnection().kind === 'online';
  const admin = useUser()?.permission === 'admin';
  const rights = useRights();
  const servers = useQuery({ ...serversQuery, enabled: admin }).data;
  const { verb, rest } = readVerb(query ?? '');
  const names = byName(rest);
  const [rows] = useRows(
    query === undefined || names === ''
      ? undefined
      : {
          type: verb ? 'VM' : ['pool', 'host', 'VM', 'SR', 'network'],
          fields: [...VM_FIELDS, '$pool.name_label', '$container.name_label'],
          filter: names,
          sort: [{ by: 'name_label' }],
        },
    MOST,
  );
  if (query === undefined) return [];
  const typed = query.trim().toLowerCase();
  const pages: Command[] = [
    ...Object.values(KINDS).map((kind) => ({
      id: kind.to,
      label: t(`nav.${kind.name}`),
      icon: <kind.icon size={18} stroke={1.7} />,
      run: () => void navigate({ to: kind.to }),
    })),
    ...(admin ? SETTINGS : []).map(({ to, label, icon: Icon }) => ({
      id: to,
      label: t(label),
      icon: <Icon size={18} stroke={1.7} />,
      run: () => void navigate({ to }),
    })),
    {
      id: 'profile',
      label: t('profile.title'),
      icon: <IconUserCircle size={18} stroke={1.7} />,
      run: () => void navigate({ to: '/profile' }),
    },
  ]
    .filter((page) => page.label.toLowerCase().includes(typed))
    .map((page) => ({ ...page, group: t('palette.pages') }));

  const vms = rows.filter((row) => row.type === 'VM');
  const connected = (row: Row): boolean => {
    const server = servers?.find((one) => one.poolId === row['$pool']);
    return !server?.enabled || server.status === 'connected';
  };
  const actions: Command[] =
    verb || vms.length <= FEW
      ? vms.flatMap((row) => {
          const vm = vmFacts(row);
          const around: Surroundings = { online, poolConnected: connected(row), rights };
          return VERBS.filter(([name, allowed]) => (!verb || verb === name) && allowed(vm, around).yes).map(
            ([name, , run, Icon]) => ({
              id: `${name} ${row.id}`,
              group: t('palette.actions'),
              label: t(`vm.${name}.label`, { name: vm.name }),
              hint: whereText(row),
              icon: <Icon size={18} stroke={1.7} />,
              run: () => void run(vm, around),
            }),
          );
        })
      : [];
  const objects: Command[] = rows.flatMap((row) => {
    const kind = kindOf(row.type);
    if (!kind) return [];
    return [
      {
        id: row.id,
        group: t('palette.objects'),
        label: nameOf(row),
        hint: [t(`detail.one.${kind.name}`), row.type === 'pool' ? '' : text(row['$pool.name_label'])]
          .filter(Boolean)
          .join(' · '),
        icon: <kind.icon size={18} stroke={1.7} />,
        run: () => void navigate({ to: PAGES[row.type as Paged], params: { id: row.id } }),
      },
    ];
  });
  return verb ? [...actions, ...objects] : [...pages, ...objects, ...actions];
}
