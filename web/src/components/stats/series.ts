// From the daemon's statistics to what is drawn: a few sums and means per chart, over a common axis of time.
import type { Schemas } from '../../api/methods';
import type { MessageKey } from '../../i18n/i18n';

export type Points = readonly (number | null)[];
export type Unit = 'percent' | 'bytes' | 'rate' | 'plain';

export interface ChartData {
  id: 'cpu' | 'memory' | 'network' | 'disk' | 'load';
  title: MessageKey;
  unit: Unit;
  /** Top of the scale, where it is known. */
  max?: number | undefined;
  series: readonly { label: MessageKey; values: Points }[];
}

type Tree = Schemas['StatsTree'];

const isPoints = (tree: Tree): tree is Points => Array.isArray(tree);

/** All series below a node. */
function leaves(tree: Tree): Points[] {
  if (tree === undefined || tree === null) return [];
  if (isPoints(tree)) return tree.length > 0 ? [tree] : [];
  return Object.values(tree).flatMap(leaves);
}

const child = (tree: Tree, name: string): Tree => (tree === undefined || isPoints(tree) ? undefined : tree[name]);

/** Point by point from the end, because series that began later are shorter. A hole stays a hole. */
function combine(list: readonly Points[], join: (values: number[]) => number): Points {
  const length = Math.max(0, ...list.map((one) => one.length));
  return Array.from({ length }, (_, index) => {
    const values = list.flatMap((one) => {
      const value = one[index - length + one.length];
      return typeof value === 'number' ? [value] : [];
    });
    return values.length === 0 ? null : join(values);
  });
}

const sum = (list: readonly Points[]): Points => combine(list, (values) => values.reduce((a, b) => a + b, 0));
const mean = (list: readonly Points[]): Points =>
  combine(list, (values) => values.reduce((a, b) => a + b, 0) / values.length);

function minus(a: Points, b: Points): Points {
  return a.map((value, index) => {
    const other = b[index - a.length + b.length];
    return typeof value === 'number' && typeof other === 'number' ? Math.max(0, value - other) : value;
  });
}

const highest = (points: Points): number | undefined => {
  const known = points.filter((value) => value !== null);
  return known.length > 0 ? Math.max(...known) : undefined;
};

export function charts(kind: 'host' | 'vm', { stats }: Schemas['Stats']): ChartData[] {
  const memory = sum(leaves(stats['memory']));
  const free = leaves(stats['memoryFree']);
  const aggregate = leaves(stats['pifsAggr']).length > 0;
  const network = kind === 'vm' ? stats['vifs'] : aggregate ? stats['pifsAggr'] : stats['pifs'];
  const disk = kind === 'vm' ? stats['xvds'] : stats['ioThroughput'];
  const all: ChartData[] = [
    {
      id: 'cpu',
      title: 'stats.cpu',
      unit: 'percent',
      max: 100,
      series: [{ label: 'stats.cpuUsage', values: mean(leaves(stats['cpus'])) }],
    },
    {
      id: 'memory',
      title: 'stats.memory',
      unit: 'bytes',
      max: highest(memory),
      series:
        free.length > 0
          ? [
              { label: 'stats.memoryUsed', values: minus(memory, sum(free)) },
              { label: 'stats.memoryTotal', values: memory },
            ]
          : [{ label: 'stats.memoryTotal', values: memory }],
    },
    {
      id: 'network',
      title: 'stats.network',
      unit: 'rate',
      series: [
        { label: 'stats.received', values: sum(leaves(child(network, 'rx'))) },
        { label: 'stats.sent', values: sum(leaves(child(network, 'tx'))) },
      ],
    },
    {
      id: 'disk',
      title: 'stats.disk',
      unit: 'rate',
      series: [
        { label: 'stats.read', values: sum(leaves(child(disk, 'r'))) },
        { label: 'stats.written', values: sum(leaves(child(disk, 'w'))) },
      ],
    },
    {
      id: 'load',
      title: 'stats.load',
      unit: 'plain',
      series: [{ label: 'stats.loadAverage', values: mean(leaves(stats['load'])) }],
    },
  ];
  return all
    .map((chart) => ({ ...chart, series: chart.series.filter((one) => one.values.length > 0) }))
    .filter((chart) => chart.series.length > 0);
}

/** Seconds since the epoch of each of `length` points. */
export const times = ({ endTimestamp, interval }: Schemas['Stats'], length: number): number[] =>
  Array.from({ length }, (_, index) => endTimestamp - (length - 1 - index) * interval);
