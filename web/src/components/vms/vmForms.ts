// Verbs of a VM that need more than a yes: each asks for what the daemon needs and calls.
import { formatBytes, t } from '../../i18n/i18n';
import { client } from '../../live/live';
import { readOnce } from '../../live/once';
import { text, type VmFacts } from '../../live/vm';
import type { Row } from '../../live/watch';
import { toast } from '../../ui/toast';
import { ask, bytesOf, type Field, flag, word } from '../ask/ask';
import { number } from '../objects/cells';
import { byIds, quote } from '../objects/filter';

/** SRs that hold disks; those of discs and of drives of hosts do not. */
export const disksFit = (pool: string): string =>
  `${pool === '' ? '' : `$pool:${quote(pool)} `}!SR_type:/^(iso|udev|iscsi-probe)$/ size:>0`;

/** What has no id is nothing. */
const oneOf = (filter: string, within: readonly string[] | undefined): string =>
  within ? `${filter} ${byIds(within) ?? '!id?'}` : filter;

/** What an SR has left, and its pool. */
export const freeText = (sr: Row): string =>
  [
    text(sr['$pool.name_label']),
    t('ask.free', { size: formatBytes((number(sr, 'size') ?? 0) - (number(sr, 'physical_usage') ?? 0)) }),
  ]
    .filter(Boolean)
    .join(' · ');

/** `within`: ids of which it is one. */
export const srQuery = (pool: string, within?: readonly string[]) => ({
  type: 'SR',
  fields: ['name_label', '$pool', '$pool.name_label', 'size', 'physical_usage'],
  filter: oneOf(disksFit(pool), within),
  sort: [{ by: 'name_label' }],
});

export const srField = (name: string, pool: string, needed: boolean): Field => ({
  kind: 'pick',
  name,
  label: t('col.sr'),
  required: needed,
  hint: freeText,
  query: () => srQuery(pool),
});

export const networkQuery = (pool: string, within?: readonly string[]) => ({
  type: 'network',
  fields: ['name_label', 'name_description'],
  filter: oneOf(`$pool:${quote(pool)}`, within),
  sort: [{ by: 'name_label' }],
});

export const networkField = (pool: string): Field => ({
  kind: 'pick',
  name: 'network',
  label: t('col.network'),
  required: true,
  hint: (row) => text(row['name_description']),
  query: () => networkQuery(pool),
});

const nameField = (initial: string): Field => ({
  kind: 'text',
  name: 'name',
  label: t('col.name'),
  required: true,
  initial,
});

export function askSnapshot(vm: VmFacts): void {
  ask({
    title: t('vm.snapshot.title', { name: vm.name }),
    text: t('vm.snapshot.text'),
    verb: t('vm.snapshot.verb'),
    fields: [
      { kind: 'text', name: 'name', label: t('col.name'), placeholder: t('vm.snapshot.namePlaceholder') },
      { kind: 'text', name: 'description', label: t('col.description') },
      ...(vm.powerState === 'Running'
        ? [
            {
              kind: 'check',
              name: 'memory',
              label: t('vm.snapshot.memory'),
              description: t('vm.snapshot.memoryText'),
            } as const,
          ]
        : []),
    ],
    run: async (values) => {
      const [name, description] = [word(values, 'name'), word(values, 'description')];
      await client.call('vm.snapshot', {
        id: vm.id,
        ...(name && { name }),
        ...(description && { description }),
        ...(flag(values, 'memory') && { saveMemory: true }),
      });
      toast.success(t('vm.snapshot.done', { name: vm.name }));
    },
  });
}

export function askClone(vm: VmFacts): void {
  ask({
    title: t('vm.clone.title', { name: vm.name }),
    verb: t('vm.clone.verb'),
    fields: [
      nameField(t('vm.clone.name', { name: vm.name })),
      { kind: 'check', name: 'full', label: t('vm.clone.full'), description: t('vm.clone.fullText') },
    ],
    run: async (values) => {
      const name = word(values, 'name');
      await client.call('vm.clone', { id: vm.id, name, full_copy: flag(values, 'full') });
      toast.success(t('vm.made', { name }));
    },
  });
}

export function askCopy(vm: VmFacts): void {
  ask({
    title: t('vm.copy.title', { name: vm.name }),
    text: t('vm.copy.text'),
    verb: t('vm.copy.verb'),
    fields: [nameField(t('vm.clone.name', { name: vm.name })), srField('sr', vm.poolId, true)],
    run: async (values, picked) => {
      const name = word(values, 'name');
      await client.call('vm.copy', { vm: vm.id, sr: picked['sr']?.id ?? '', name });
      toast.success(t('vm.made', { name }));
    },
  });
}

export function askNewDisk(vm: VmFacts): void {
  ask({
    title: t('disk.add.title', { name: vm.name }),
    verb: t('action.add'),
    fields: [
      nameField(''),
      { kind: 'gib', name: 'size', label: t('col.size'), required: true, initial: '10' },
      srField('sr', vm.poolId, true),
    ],
    run: async (values, { sr }) => {
      const name = word(values, 'name');
      const size = bytesOf(word(values, 'size')) ?? 0;
      await client.call('disk.create', { name, size, sr: sr?.id ?? '', vm: vm.id });
      toast.success(t('disk.add.done', { name }));
    },
  });
}

export function askAttachDisk(vm: VmFacts): void {
  ask({
    title: t('disk.attach.title', { name: vm.name }),
    verb: t('disk.attach.verb'),
    fields: [
      {
        kind: 'pick',
        name: 'disk',
        label: t('disk.one'),
        description: t('disk.attach.free'),
        required: true,
        hint: (row) => [formatBytes(number(row, 'size') ?? 0), text(row['$SR.name_label'])].join(' · '),
        query: () => ({
          type: 'VDI',
          fields: ['name_label', 'size', '$SR.name_label'],
          filter: `$pool:${quote(vm.poolId)} !$VBDs:length:>0`,
          sort: [{ by: 'name_label' }],
        }),
      },
      { kind: 'check', name: 'readOnly', label: t('disk.attach.readOnly') },
    ],
    run: async (values, { disk }) => {
      await client.call('vm.attachDisk', {
        vm: vm.id,
        vdi: disk?.id ?? '',
        ...(flag(values, 'readOnly') && { mode: 'RO' }),
      });
      toast.success(t('disk.attach.done', { name: text(disk?.['name_label']) }));
    },
  });
}

export async function askInsertCd(vm: VmFacts): Promise<void> {
  const libraries = await readOnce({
    type: 'SR',
    fields: ['name_label'],
    filter: `$pool:${quote(vm.poolId)} SR_type:iso`,
  });
  ask({
    title: t('cd.insert.title', { name: vm.name }),
    verb: t('cd.insert.verb'),
    fields: [
      {
        kind: 'pick',
        name: 'disc',
        label: t('cd.one'),
        description: t('cd.insert.text'),
        required: true,
        hint: (row) => text(row['$SR.name_label']),
        query: () => ({
          type: 'VDI',
          fields: ['name_label', '$SR.name_label'],
          filter: libraries.length === 0 ? '!id?' : `$SR:|(${libraries.map((sr) => quote(sr.id)).join(' ')})`,
          sort: [{ by: 'name_label' }],
        }),
      },
    ],
    run: async (_, { disc }) => {
      await client.call('vm.insertCd', { id: vm.id, cd_id: disc?.id ?? '' });
      toast.success(t('cd.insert.done', { name: text(disc?.['name_label']) }));
    },
  });
}

export function askResizeDisk(disk: Row): void {
  const size = number(disk, 'VDI.size') ?? 0;
  ask({
    title: t('disk.resize.title', { name: text(disk['VDI.name_label']) }),
    text: t('disk.resize.text', { size: formatBytes(size) }),
    verb: t('disk.resize.verb'),
    fields: [
      {
        kind: 'gib',
        name: 'size',
        label: t('col.size'),
        required: true,
        // Rounded up: a little less than it is would be refused.
        initial: String(Math.ceil((size / 2 ** 30) * 100) / 100),
        min: size,
      },
    ],
    run: async (values) => {
      await client.call('vdi.set', { id: text(disk['VDI']), size: bytesOf(word(values, 'size')) ?? 0 });
      toast.success(t('disk.resize.done', { name: text(disk['VDI.name_label']) }));
    },
  });
}

const ORDERS = ['cdn', 'cnd', 'dcn', 'dnc', 'ncd', 'ndc'];

const orderText = (order: string): string =>
  Array.from(order, (letter) =>
    letter === 'c' || letter === 'd' || letter === 'n' ? t(`boot.${letter}`) : letter,
  ).join(' → ');

export function askBootOrder(vm: VmFacts, now: string): void {
  ask({
    title: t('boot.title', { name: vm.name }),
    text: t('boot.text'),
    verb: t('action.save'),
    fields: [
      {
        kind: 'choice',
        name: 'order',
        label: t('boot.order'),
        initial: now === '' ? 'cdn' : now,
        options: [...new Set([...(now === '' ? [] : [now]), ...ORDERS])].map((value) => ({
          value,
          label: orderText(value),
        })),
      },
    ],
    run: async (values) => {
      await client.call('vm.setBootOrder', { vm: vm.id, order: word(values, 'order') });
      toast.success(t('boot.done', { name: vm.name }));
    },
  });
}

export function askNewInterface(vm: VmFacts): void {
  const running = vm.powerState === 'Running';
  ask({
    title: t('vif.add.title', { name: vm.name }),
    verb: t('action.add'),
    fields: [
      networkField(vm.poolId),
      { kind: 'text', name: 'mac', label: t('col.mac'), placeholder: t('vif.add.macPlaceholder') },
      ...(running ? [{ kind: 'check', name: 'connect', label: t('vif.add.connect'), initial: true } as const] : []),
    ],
    run: async (values, { network }) => {
      const mac = word(values, 'mac');
      const id = await client.call('vm.createInterface', {
        vm: vm.id,
        network: network?.id ?? '',
        ...(mac && { mac }),
      });
      toast.success(t('vif.add.done', { network: text(network?.['name_label']) }));
      // It is there now: whether it could be plugged in is another matter.
      if (flag(values, 'connect')) await client.call('vif.connect', { id });
    },
  });
}

export function askNetworkOf(vm: VmFacts, vif: Row): void {
  ask({
    title: t('vif.network.title', { device: text(vif['device']) }),
    text: t('vif.network.text'),
    verb: t('action.save'),
    fields: [networkField(vm.poolId)],
    run: async (_, { network }) => {
      await client.call('vif.set', { id: vif.id, network: network?.id ?? '' });
      toast.success(t('vif.network.done', { device: text(vif['device']), network: text(network?.['name_label']) }));
    },
  });
}
