import { describe, expect, it } from 'vitest';
import { charts, times } from './series';

const stats = (tree: Parameters<typeof charts>[1]['stats']) => ({ endTimestamp: 1_000, interval: 5, stats: tree });

describe('charts', () => {
  it('of a VM: mean of the CPUs, used memory, sums of interfaces and disks', () => {
    const found = charts(
      'vm',
      stats({
        cpus: { 0: [10, 20], 1: [30, null] },
        memory: [1000, 1000],
        memoryFree: [400, null],
        vifs: { rx: { 0: [1, 2], 1: [10, 20] }, tx: { 0: [5, 5] } },
        xvds: { r: { a: [7, 8] }, w: { a: [0, 0] } },
      }),
    );
    expect(found.map((chart) => [chart.id, chart.series.map((one) => one.values)])).toEqual([
      ['cpu', [[20, 20]]],
      [
        'memory',
        [
          [600, 1000],
          [1000, 1000],
        ],
      ],
      [
        'network',
        [
          [11, 22],
          [5, 5],
        ],
      ],
      [
        'disk',
        [
          [7, 8],
          [0, 0],
        ],
      ],
    ]);
  });

  it('of a host: the aggregate of its interfaces where there is one, and the load', () => {
    const found = charts(
      'host',
      stats({
        pifs: { rx: { 0: [1], 1: [1] }, tx: { 0: [1] } },
        pifsAggr: { rx: [9], tx: [8] },
        load: [0.5],
        ioThroughput: { r: { abcdef12: [3] } },
      }),
    );
    expect(found.map((chart) => [chart.id, chart.series.map((one) => one.values)])).toEqual([
      ['network', [[9], [8]]],
      ['disk', [[3]]],
      ['load', [[0.5]]],
    ]);
  });

  it('lines up series of different length at their end, and leaves holes', () => {
    const [cpu] = charts('vm', stats({ cpus: { 0: [10, null, 30], 1: [50] } }));
    expect(cpu?.series[0]?.values).toEqual([10, null, 40]);
  });

  it('has nothing to draw without numbers', () => {
    expect(charts('vm', stats({ cpus: {}, memory: [] }))).toEqual([]);
  });
});

it('times end at the last point', () => expect(times(stats({}), 3)).toEqual([990, 995, 1_000]));
