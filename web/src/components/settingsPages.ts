// The pages of Settings, for those who may open them: administrators.
import {
  IconChartPie,
  IconHistory,
  IconKey,
  IconPuzzle,
  IconServer2,
  IconTicket,
  IconUsers,
  IconUsersGroup,
} from '@tabler/icons-react';

export const SETTINGS = [
  { to: '/settings/servers', label: 'nav.servers', icon: IconServer2 },
  { to: '/settings/plugins', label: 'nav.plugins', icon: IconPuzzle },
  { to: '/settings/users', label: 'nav.users', icon: IconUsers },
  { to: '/settings/groups', label: 'nav.groups', icon: IconUsersGroup },
  { to: '/settings/rights', label: 'nav.rights', icon: IconKey },
  { to: '/settings/sets', label: 'nav.sets', icon: IconChartPie },
  { to: '/settings/tokens', label: 'nav.tokens', icon: IconTicket },
  { to: '/settings/audit', label: 'nav.audit', icon: IconHistory },
] as const;
