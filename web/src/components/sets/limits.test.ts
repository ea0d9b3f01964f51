import { expect, it } from 'vitest';
import { faultsOf, lacking, totalsOf, typedOf, usesOf } from './limits';

const SET = {
  limits: {
    cpus: { total: 8, usage: 6 },
    memory: { total: 10_000_000_000, usage: 0 },
    disks: { usage: 3 },
    'ipPool:a': { total: 4, usage: 1 },
  },
};

it('shows what is limited or used, what is known first', () => {
  expect(usesOf(SET).map((use) => [use.name, use.used, use.total])).toEqual([
    ['cpus', 6, 8],
    ['memory', 0, 10_000_000_000],
    ['disks', 3, undefined],
    ['ipPool:a', 1, 4],
  ]);
});

it('says what there is not enough of', () => {
  expect(lacking(SET, { cpus: 2, disks: 100, vms: 1 })).toEqual([]);
  expect(lacking(SET, { cpus: 3, memory: 1 })).toEqual([{ name: 'cpus', missing: 1 }]);
  // What a set has too much of already hinders nobody who needs none of it.
  expect(lacking({ limits: { cpus: { total: 1, usage: 5 } } }, { cpus: 0, vms: 1 })).toEqual([]);
});

it('keeps what was not touched as it is', () => {
  const typed = typedOf(SET);
  expect(typed).toMatchObject({ cpus: '8', memory: '9.31', disk: '', disks: '' });
  expect(totalsOf(typed, SET)).toEqual({ cpus: 8, memory: 10_000_000_000, 'ipPool:a': 4 });
});

it('reads what was typed', () => {
  const typed = { ...typedOf(SET), cpus: '', memory: '2', disk: '1,5', vms: '0' };
  expect(faultsOf(typed)).toEqual([]);
  expect(totalsOf(typed, SET)).toEqual({ memory: 2 ** 31, disk: 1.5 * 2 ** 30, vms: 0, 'ipPool:a': 4 });
  expect(faultsOf({ ...typed, cpus: '1.5', disk: '-1', vms: 'many' })).toEqual(['vms', 'cpus', 'disk']);
});
