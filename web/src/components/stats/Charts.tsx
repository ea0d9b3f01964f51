// The charts of a host or a VM, or the same numbers as tables.
import { useMemo, useState } from 'react';
import type { Granularity, Schemas } from '../../api/methods';
import { formatBytes, formatMoment, formatNumber, formatPercent, t, useT } from '../../i18n/i18n';
import { LineChart } from '../../ui/LineChart';
import { type ChartData, charts, type Points, times, type Unit } from './series';
import classes from './stats.module.css';

interface Props {
  kind: 'host' | 'vm';
  data: Schemas['Stats'];
  granularity: Granularity;
  table: boolean;
  /** It answers another question than the one that was asked last. */
  old: boolean;
}

const COLOURS = ['--x-chart-1', '--x-chart-2'] as const;

export default function Charts({ kind, data, granularity, table, old }: Props) {
  useT();
  const all = useMemo(() => charts(kind, data), [kind, data]);
  if (all.length === 0) return <p className={classes['blank']}>{t('stats.none')}</p>;
  return (
    <div className={classes['charts']} style={old ? { opacity: 0.5 } : undefined}>
      {all.map((chart) =>
        table ? (
          <ChartTable key={chart.id} chart={chart} data={data} granularity={granularity} />
        ) : (
          <Chart key={chart.id} chart={chart} data={data} granularity={granularity} />
        ),
      )}
    </div>
  );
}

function valueText(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined) return '–';
  if (unit === 'percent') return formatPercent(value);
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'rate') return t('stats.perSecond', { amount: formatBytes(value) });
  return formatNumber(value);
}

/** The last point that was measured. */
const latest = (values: Points): number | null => values.findLast((value) => value !== null) ?? null;

function Chart({ chart, data, granularity }: { chart: ChartData } & Pick<Props, 'data' | 'granularity'>) {
  const [at, setAt] = useState<number | null>(null);
  const length = Math.max(...chart.series.map((one) => one.values.length));
  const x = useMemo(() => times(data, length), [data, length]);
  const rows = useMemo(
    () => chart.series.map(({ values }) => [...Array.from({ length: length - values.length }, () => null), ...values]),
    [chart, length],
  );
  const title = t(chart.title);
  const said = chart.series.map(({ label, values }) => `${t(label)} ${valueText(latest(values), chart.unit)}`);
  return (
    <figure className={classes['chart']}>
      <figcaption className={classes['caption']}>
        <strong>{title}</strong>
        <span className={classes['legend']}>
          {at !== null && <span>{formatMoment(x[at] ?? 0, granularity)}</span>}
          {chart.series.map(({ label, values }, index) => (
            <span key={label}>
              <i style={{ background: `var(${COLOURS[index % 2]})` }} aria-hidden="true" />
              {t(label)} {valueText(at === null ? latest(values) : rows[index]?.[at], chart.unit)}
            </span>
          ))}
        </span>
      </figcaption>
      <div className={classes['canvas']} role="img" aria-label={t('stats.chartOf', { title, values: said.join(', ') })}>
        <LineChart
          x={x}
          rows={rows}
          colours={COLOURS}
          max={chart.max}
          binary={chart.unit === 'bytes' || chart.unit === 'rate'}
          timeText={(seconds) => formatMoment(seconds, granularity, true)}
          valueText={(value) => valueText(value, chart.unit)}
          onPoint={setAt}
        />
      </div>
    </figure>
  );
}

function ChartTable({ chart, data, granularity }: { chart: ChartData } & Pick<Props, 'data' | 'granularity'>) {
  const length = Math.max(...chart.series.map((one) => one.values.length));
  const x = times(data, length);
  return (
    // Scrolls, so it must take the focus.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes['table']} role="region" aria-label={t(chart.title)} tabIndex={0}>
      <table>
        <caption>{t(chart.title)}</caption>
        <thead>
          <tr>
            <th scope="col">{t('col.time')}</th>
            {chart.series.map(({ label }) => (
              <th key={label} scope="col">
                {t(label)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {x
            .map((seconds, index) => (
              <tr key={seconds}>
                <th scope="row">{formatMoment(seconds, granularity)}</th>
                {chart.series.map(({ label, values }) => (
                  <td key={label}>{valueText(values[index - length + values.length], chart.unit)}</td>
                ))}
              </tr>
            ))
            .toReversed()}
        </tbody>
      </table>
    </div>
  );
}
