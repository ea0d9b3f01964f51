// A machine that is being thought up: what a template proposes, what people make of it, and what the daemon is asked for.
import type { Methods } from '../../../api/methods';
import { t } from '../../../i18n/i18n';
import { readOnce } from '../../../live/once';
import { text } from '../../../live/vm';
import type { Row } from '../../../live/watch';
import { bytesOf, GIB } from '../../ask/ask';
import type { Amounts, ResourceSet } from '../../sets/limits';
import { number } from '../../objects/cells';
import { quote } from '../../objects/filter';
import { networkQuery, srQuery } from '../vmForms';

export interface Disk {
  key: number;
  name: string;
  /** GiB, as typed. */
  size: string;
  sr: Row | undefined;
  /** It comes with the template, at this position, with so many bytes. */
  brought?: { position: string; size: number };
}

export interface Card {
  key: number;
  network: Row | undefined;
}

export interface Draft {
  template: Row;
  /** Whose room it takes; none: the pool's. */
  set: ResourceSet | undefined;
  share: boolean;
  /** Where new disks go, if nothing else is said. */
  defaultSr: Row | undefined;
  name: string;
  description: string;
  cpus: string;
  memory: string;
  disks: readonly Disk[];
  cards: readonly Card[];
  /** Cloud configuration; empty = none. */
  config: string;
  /** The disc to install from. */
  disc: Row | undefined;
  start: boolean;
  /** Where the discs of the pool lie. */
  discs: readonly string[];
}

export const TEMPLATE_FIELDS = [
  'name_label',
  'name_description',
  '$pool',
  '$pool.name_label',
  '$pool.default_SR',
  '$pool.default_SR.name_label',
  'CPUs.number',
  'memory.size',
  'template_info.disks',
  'isDefaultTemplate',
];

let keys = 0;
export const newKey = (): number => (keys += 1);

/** As many digits as people type. */
export const gib = (bytes: number): string => String(Math.ceil((bytes / GIB) * 100) / 100);

function poolSr(template: Row): Row | undefined {
  const id = text(template['$pool.default_SR']);
  const name = text(template['$pool.default_SR.name_label']);
  return id === '' || name === '' ? undefined : { id, type: 'SR', name_label: name };
}

/** Reads what a template brings; what was typed before another template was chosen stays. */
export async function propose(template: Row, set: ResourceSet | undefined, before: Draft | undefined): Promise<Draft> {
  const pool = text(template['$pool']);
  const [places, networks, libraries, srs] = await Promise.all([
    readOnce({
      type: 'VBD',
      filter: `VM:${quote(template.id)} !is_cd_drive?`,
      sort: [{ by: 'position' }],
      fields: ['position', 'VDI', 'VDI.name_label', 'VDI.size', 'VDI.$SR', 'VDI.$SR.name_label'],
    }),
    readOnce({ ...networkQuery(pool, set?.objects), fields: ['name_label', 'automatic', 'PIFs'] }),
    readOnce({ type: 'SR', fields: ['name_label'], filter: `$pool:${quote(pool)} SR_type:iso` }),
    set ? readOnce(srQuery(pool, set.objects), 1) : [],
  ]);
  const ofPool = poolSr(template);
  const sr = set && !(ofPool && set.objects.includes(ofPool.id)) ? srs[0] : ofPool;
  const brought = places
    .filter((place) => place['VDI'] !== undefined)
    .map((place, index): Disk => {
      const size = number(place, 'VDI.size') ?? 0;
      return {
        key: newKey(),
        name: text(place['VDI.name_label']) || t('vm.delete.disk', { number: index }),
        size: gib(size),
        sr: { id: text(place['VDI.$SR']), type: 'SR', name_label: text(place['VDI.$SR.name_label']) },
        brought: { position: text(place['position']), size },
      };
    });
  const wanted = template['template_info.disks'];
  const made = (Array.isArray(wanted) ? (wanted as { size?: number }[]) : []).map(({ size = 0 }, index): Disk => ({
    key: newKey(),
    name: t('vm.delete.disk', { number: brought.length + index }),
    size: gib(size),
    sr,
  }));
  // One that leads out of the host, if there is one.
  const leadsOut = networks.filter((one) => Array.isArray(one['PIFs']) && one['PIFs'].length > 0);
  const network = leadsOut.find((one) => one['automatic'] === true) ?? leadsOut[0] ?? networks[0];
  return {
    template,
    set,
    share: set?.shareByDefault ?? false,
    defaultSr: sr,
    name: before?.name ?? '',
    description: before?.description ?? '',
    cpus: String(number(template, 'CPUs.number') ?? 1),
    memory: gib(number(template, 'memory.size') ?? GIB),
    disks: [...brought, ...made],
    cards: network ? [{ key: newKey(), network }] : [],
    config: before?.config ?? '',
    disc: undefined,
    start: before?.start ?? true,
    discs: libraries.map((one) => one.id),
  };
}

export type Faults = Readonly<Record<string, string>>;

/** What is wrong, by field. */
export function faultsOf(draft: Draft): Faults {
  const faults: Record<string, string> = {};
  if (draft.name.trim() === '') faults['name'] = t('form.required');
  const cpus = Number(draft.cpus);
  if (!Number.isInteger(cpus) || cpus < 1) faults['cpus'] = t('form.minimum', { limit: 1 });
  if (bytesOf(draft.memory) === undefined) faults['memory'] = t('ask.noSize');
  for (const disk of draft.disks) {
    const size = bytesOf(disk.size);
    if (disk.name.trim() === '') faults[`name ${disk.key}`] = t('form.required');
    if (size === undefined) faults[`size ${disk.key}`] = t('ask.noSize');
    else if (disk.brought && size < disk.brought.size) faults[`size ${disk.key}`] = t('ask.onlyGrows');
    if (!disk.sr) faults[`sr ${disk.key}`] = t('form.required');
  }
  for (const card of draft.cards) if (!card.network) faults[`card ${card.key}`] = t('form.required');
  return faults;
}

/** Bytes of the disk that a cloud configuration is handed over on. */
const CONFIG_DRIVE = 4 * 2 ** 20;

/** What it takes of a resource set. */
export function needOf(draft: Draft): Amounts {
  const sizes = draft.disks.map((disk) => Math.max(bytesOf(disk.size) ?? 0, disk.brought?.size ?? 0));
  if (draft.config.trim() !== '') sizes.push(CONFIG_DRIVE);
  return {
    vms: 1,
    cpus: Number(draft.cpus) || 0,
    memory: bytesOf(draft.memory) ?? 0,
    disk: sizes.reduce((sum, size) => sum + size, 0),
    disks: sizes.length,
  };
}

export function paramsOf(draft: Draft): Methods['vm.create']['params'] {
  const name = draft.name.trim();
  const config = draft.config.trim() === '' ? undefined : draft.config.replaceAll('{name}', name);
  const brought = draft.disks.flatMap(({ brought: from, ...disk }) => (from ? [{ from, ...disk }] : []));
  const made = draft.disks.filter((disk) => !disk.brought);
  return {
    template: draft.template.id,
    name_label: name,
    ...(draft.description.trim() && { name_description: draft.description.trim() }),
    CPUs: Number(draft.cpus),
    memory: bytesOf(draft.memory) ?? 0,
    VDIs: made.map((disk) => ({
      name_label: disk.name.trim(),
      name_description: '',
      size: bytesOf(disk.size) ?? 0,
      SR: disk.sr?.id ?? '',
      type: 'user',
    })),
    existingDisks: Object.fromEntries(
      brought.map((disk) => [
        disk.from.position,
        { name_label: disk.name.trim(), size: Math.max(bytesOf(disk.size) ?? 0, disk.from.size) },
      ]),
    ),
    VIFs: draft.cards.map((card) => ({ network: card.network?.id ?? '' })),
    ...(config !== undefined && { cloudConfig: config }),
    ...(draft.disc && { installation: { method: 'cdrom', repository: draft.disc.id } }),
    ...(draft.set && { resourceSet: draft.set.id, share: draft.share }),
    bootAfterCreate: draft.start,
  };
}
