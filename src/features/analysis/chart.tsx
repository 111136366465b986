import { type RefObject, useEffect, useLayoutEffect, useRef, useSyncExternalStore } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { ShadedWindow } from '../../store/windows.ts';
import styles from './analysis.module.css';
import type { ChartData } from './series.ts';

const HEIGHT = 150;
const DASHES = [5, 4];

interface ChartProps {
  readonly data: ChartData;
  readonly windows: readonly ShadedWindow[];
  /** The step on screen, from 1. */
  readonly current: number;
  /** Where the chart's canvas is put for whoever saves it. */
  readonly canvas: (canvas: HTMLCanvasElement | null) => void;
}

/** Lines over steps: low and high band by colour, base solid and RFSR dashed, the training's windows shaded. */
export function Chart({ data, windows, current, canvas }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const marked = useRef(current);
  const plot = useRef<uPlot | null>(null);
  const save = useRef(canvas);
  save.current = canvas;
  const theme = useTheme();

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read anew for another theme
  useLayoutEffect(() => {
    const element = host.current;
    if (element === null) return;
    const made = new uPlot(optionsOf(element, data, windows, marked), tableOf(data), element);
    plot.current = made;
    save.current(made.ctx.canvas);
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      save.current(null);
      made.destroy();
    };
  }, [data, windows, theme]);

  useEffect(() => {
    marked.current = current;
    plot.current?.redraw(false);
  }, [current]);

  return (
    <figure className={styles['chart']}>
      <figcaption>
        {data.title}
        {data.scale === 'relative' && <span className={styles['unit']}> × the first step's</span>}
      </figcaption>
      <div ref={host} role="img" aria-label={`${data.title}: ${summary(data, current)}`} />
    </figure>
  );
}

function summary({ series }: ChartData, current: number): string {
  const words = series.map(({ lane, band, values }) => `${lane} ${band} ${values[current - 1]?.toPrecision(3) ?? 'not yet'}`.trim());
  return `at step ${current} ${words.join(', ')}`;
}

/** uPlot's columns: steps from 1, then each line as it is drawn. A logarithmic axis cannot show zero. */
function tableOf({ series, scale }: ChartData): uPlot.AlignedData {
  const count = series[0]?.values.length ?? 0;
  const drawn = series.map(({ band, values }) => {
    const first = scale === 'relative' ? (series.find((other) => other.band === band)?.values[0] ?? 1) : 1;
    return values.map((value) => (value === null || (scale === 'log' && value <= 0) ? null : value / first));
  });
  return [Array.from({ length: count }, (_, i) => i + 1), ...drawn];
}

function optionsOf(element: HTMLElement, data: ChartData, windows: readonly ShadedWindow[], marked: RefObject<number>): uPlot.Options {
  const css = getComputedStyle(element);
  const color = (token: string): string => css.getPropertyValue(token).trim();
  const axis = { stroke: color('--muted'), grid: { stroke: color('--line'), width: 0.5 }, ticks: { show: false }, font: '10px system-ui' };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    // the first series is the steps
    legend: { live: false, markers: { width: 2, dash: (_, i) => (data.series[i - 1]?.lane === 'RFSR' ? 'dashed' : 'solid') } },
    cursor: { show: false },
    scales: { x: { time: false }, y: data.scale === 'log' ? { distr: 3 } : {} },
    axes: [
      { ...axis, size: 22, incrs: [1, 2, 5, 10, 20, 50] },
      { ...axis, size: 44, values: (_, ticks) => ticks.map((tick) => (tick === null ? '' : shortNumber(tick))) },
    ],
    series: [
      { label: 'step' },
      ...data.series.map(({ lane, band }) => ({
        label: [lane, band].filter(Boolean).join(' '),
        stroke: color(band === 'low' ? '--low' : '--high'),
        width: 1.5,
        points: { show: false },
        ...(lane === 'RFSR' ? { dash: DASHES } : {}),
      })),
    ],
    hooks: {
      drawClear: [
        (plot) => {
          const { ctx, bbox } = plot;
          const shade = (from: number, to: number, fill: string, alpha: number): void => {
            const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
            const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
            ctx.save();
            ctx.globalAlpha = alpha;
            ctx.fillStyle = fill;
            ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height);
            ctx.restore();
          };
          for (const { name, from, to } of windows) shade(from, to, color(name === 'early' ? '--low' : '--high'), 0.13);
          const at = marked.current;
          if (at > 0) shade(at, at, color('--muted'), 0.8);
        },
      ],
    },
  };
}

function shortNumber(value: number): string {
  return value !== 0 && Math.abs(value) < 0.01 ? value.toExponential(0) : String(Number(value.toPrecision(2)));
}

/** The theme in force. */
function useTheme(): string {
  return useSyncExternalStore(watchTheme, () => document.documentElement.dataset['theme'] ?? '');
}

function watchTheme(onChange: () => void): () => void {
  const observer = new MutationObserver(onChange);
  observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
  return () => observer.disconnect();
}
