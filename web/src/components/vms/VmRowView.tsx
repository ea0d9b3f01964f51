// One VM in the list: subscribes to its own row, so a change draws this row and nothing else.
import { memo } from 'react';
import type { Surroundings } from '../../can/can';
import { formatBytes, formatNumber, useT } from '../../i18n/i18n';
import { useHostName, usePoolName, useVmRow } from '../../live/live';
import type { VmRow } from '../../live/rows';
import { StateBadge, type Tone } from '../../ui/Badge';
import classes from './VmTable.module.css';
import { VmActions } from './VmActions';

const TONES: Record<VmRow['powerState'], Tone> = {
  Running: 'good',
  Halted: 'quiet',
  Paused: 'warn',
  Suspended: 'warn',
};

function State({ vm, stale }: { vm: VmRow; stale: boolean }) {
  const t = useT();
  const busy = vm.operations[0];
  if (busy === undefined)
    return <StateBadge tone={stale ? 'quiet' : TONES[vm.powerState]}>{t(`vm.state.${vm.powerState}`)}</StateBadge>;
  return (
    <span title={vm.operations.join(', ').replaceAll('_', ' ')}>
      <StateBadge tone={stale ? 'quiet' : 'busy'}>{t(`vm.state.${vm.powerState}`)}</StateBadge>
    </span>
  );
}

export interface VmRowProps {
  id: string;
  /** From 1; the header is row 1 of the table, so the first VM is 2. */
  rowIndex: number;
  offset: number;
  mode: 'wide' | 'medium' | 'card';
  online: boolean;
  /** Pools that the daemon cannot reach. */
  gone: ReadonlySet<string>;
}

export const VmRowView = memo(function VmRowView({ id, rowIndex, offset, mode, online, gone }: VmRowProps) {
  const t = useT();
  const vm = useVmRow(id);
  const pool = usePoolName(vm?.poolId);
  const host = useHostName(vm?.hostId);
  // It left since the last snapshot; the place closes with the next one.
  if (!vm) return null;
  const around: Surroundings = { online, poolConnected: !gone.has(vm.poolId) };
  const where = host && pool && host !== pool ? `${pool} / ${host}` : (host ?? pool ?? '');
  const cpus = formatNumber(vm.cpus);
  const memory = formatBytes(vm.memory);
  const addresses = vm.addresses.join(', ');
  return (
    <div
      role="row"
      aria-rowindex={rowIndex}
      className={classes['row']}
      data-mode={mode}
      data-stale={!around.poolConnected || undefined}
      style={{ transform: `translateY(${offset}px)` }}
    >
      <div role="cell" className={classes['name']} title={vm.name}>
        {vm.name}
      </div>
      <div role="cell" className={classes['state']}>
        <State vm={vm} stale={!around.poolConnected} />
      </div>
      <div role="cell" className={classes['where']} title={where}>
        {mode !== 'card' && pool && (
          <>
            <span>{pool}</span>
            {host && host !== pool && <span className={classes['host']}>{host}</span>}
          </>
        )}
        {mode === 'card' && <span>{where}</span>}
      </div>
      {mode === 'card' && (
        <div role="cell" className={classes['sizes']}>
          {[t('vm.cpusShort', { count: vm.cpus }), memory, vm.addresses[0]].filter(Boolean).join(' · ')}
        </div>
      )}
      {mode === 'wide' && (
        <>
          <div role="cell" className={classes['number']}>
            {cpus}
          </div>
          <div role="cell" className={classes['number']}>
            {memory}
          </div>
          <div role="cell" className={classes['addresses']} title={addresses}>
            {addresses || <span aria-label={t('vm.noAddress')}>–</span>}
          </div>
        </>
      )}
      <div role="cell" className={classes['actions']}>
        <VmActions vm={vm} around={around} />
      </div>
    </div>
  );
});
