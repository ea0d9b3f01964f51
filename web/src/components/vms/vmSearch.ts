// What the address of the VM list holds. Apart from the list, so that reading an address does not load the table.
export const SORTABLE = ['name', 'state', 'where', 'cpus', 'memory', 'addresses'] as const;
export type SortColumn = (typeof SORTABLE)[number];

export interface VmSearch {
  q?: string | undefined;
  show?: 'running' | 'halted' | undefined;
  sort?: SortColumn | undefined;
  desc?: boolean | undefined;
}

export const readVmSearch = (search: Record<string, unknown>): VmSearch => ({
  // A search for 42 arrives as a number.
  q: typeof search['q'] === 'string' || typeof search['q'] === 'number' ? String(search['q']) || undefined : undefined,
  show: search['show'] === 'running' || search['show'] === 'halted' ? search['show'] : undefined,
  sort: SORTABLE.find((column) => column === search['sort']),
  desc: search['desc'] === true ? true : undefined,
});
