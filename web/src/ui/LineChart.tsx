// Lines over time, by uPlot: drawn on a canvas in the colours of the page, with texts that the caller writes.
import 'uplot/dist/uPlot.min.css';
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import classes from './LineChart.module.css';

export interface LineChartProps {
  /** Seconds since the epoch. */
  x: readonly number[];
  /** One row of values per line; null is a hole. */
  rows: readonly (readonly (number | null)[])[];
  /** CSS variables, one per line. */
  colours: readonly string[];
  /** Top of the scale; else it fits the values. */
  max?: number | undefined;
  /** Steps of the scale are powers of two. */
  binary?: boolean;
  timeText: (seconds: number) => string;
  valueText: (value: number) => string;
  /** The place of the point under the pointer; null when it is elsewhere. */
  onPoint: (index: number | null) => void;
}

const HEIGHT = 150;
const BINARY = Array.from({ length: 50 }, (_, power) => 2 ** power);

export function LineChart(props: LineChartProps) {
  // The canvas has its colours from when it was made.
  const scheme = useComputedColorScheme();
  return <Plot key={`${scheme} ${props.rows.length}`} {...props} />;
}

function Plot({ x, rows, colours, max, binary = false, timeText, valueText, onPoint }: LineChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const count = rows.length;
  const latest = useRef({ timeText, valueText, onPoint, max });
  useEffect(() => {
    latest.current = { timeText, valueText, onPoint, max };
  });
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const style = getComputedStyle(element);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour('--mantine-color-dimmed'),
      font: `11px ${style.fontFamily}`,
      grid: { stroke: colour('--x-line'), width: 1 },
      ticks: { show: false },
    };
    const chart = new UPlot(
      {
        width: element.clientWidth || 300,
        height: HEIGHT,
        // Room for half a time at the right end.
        padding: [8, 24, 0, 0],
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
        scales: {
          x: { time: true },
          y: { range: (_, __, top) => [0, latest.current.max ?? Math.max(top * 1.1, binary ? 1024 : 0.1)] },
        },
        axes: [
          { ...axis, space: 64, size: 24, values: (_, splits) => splits.map((at) => latest.current.timeText(at)) },
          {
            ...axis,
            space: 34,
            size: 64,
            ...(binary && { incrs: BINARY }),
            values: (_, splits) => splits.map((value) => latest.current.valueText(value)),
          },
        ],
        series: [
          {},
          ...colours.slice(0, count).map((name, index) => ({
            stroke: colour(name),
            width: 1.6,
            points: { show: false },
            ...(index === 0 && { fill: `color-mix(in srgb, ${colour(name)} 14%, transparent)` }),
          })),
        ],
        hooks: { setCursor: [(self) => latest.current.onPoint(self.cursor.idx ?? null)] },
      },
      [[], ...colours.slice(0, count).map(() => [])],
      element,
    );
    plot.current = chart;
    const resize = new ResizeObserver(([entry]) => {
      const width = entry?.contentRect.width ?? 0;
      if (width > 0) chart.setSize({ width, height: HEIGHT });
    });
    resize.observe(element);
    return () => {
      resize.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [colours, count, binary]);

  // After the chart is made: effects run in their order.
  useEffect(() => plot.current?.setData([[...x], ...rows.map((row) => [...row])]), [x, rows]);

  return <div ref={frame} className={classes['chart']} />;
}
