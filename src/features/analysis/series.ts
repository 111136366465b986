import type { RunRecord, StepInfo } from '../../store/state.ts';

/** One line of a chart: a value for each step, null where there is none yet. */
export interface Series {
  readonly lane: string;
  readonly band: 'low' | 'high';
  readonly values: readonly (number | null)[];
}

export interface ChartData {
  readonly title: string;
  /** How values are drawn: as multiples of the band's first in the first lane, since low and high are magnitudes apart; or as they are. */
  readonly scale: 'relative' | 'log' | 'linear';
  readonly series: readonly Series[];
}

const VALUES = [
  {
    title: 'Band energy',
    scale: 'relative',
    low: ({ statistics }: StepInfo) => statistics?.lowEnergy,
    high: ({ statistics }: StepInfo) => statistics?.highEnergy,
  },
  {
    title: 'Change from step to step',
    scale: 'log',
    low: ({ statistics }: StepInfo) => statistics?.lowChange,
    high: ({ statistics }: StepInfo) => statistics?.highChange,
  },
  {
    title: 'Similarity to the reference (SSIM)',
    scale: 'linear',
    low: ({ similarity }: StepInfo) => similarity?.low,
    high: ({ similarity }: StepInfo) => similarity?.high,
  },
] as const;

/** Charts of one run or a pair; those without any value are left out. */
export function chartsOf(lanes: readonly RunRecord[]): readonly ChartData[] {
  const charts = VALUES.map(({ title, scale, low, high }) => ({
    title,
    scale,
    series: lanes.flatMap(({ steps, count }, i) => {
      const lane = lanes.length === 1 ? '' : i === 0 ? 'base' : 'RFSR';
      const filled = Array.from({ length: count }, (_, index) => steps[index]);
      return [
        { lane, band: 'low' as const, values: filled.map((step) => (step === undefined ? null : (low(step) ?? null))) },
        { lane, band: 'high' as const, values: filled.map((step) => (step === undefined ? null : (high(step) ?? null))) },
      ];
    }),
  }));
  return charts.filter(({ series }) => series.some(({ values }) => values.some((value) => value !== null)));
}

/** Everything charted, one line a step: for spreadsheets. */
export function csvOf(lanes: readonly RunRecord[], charts: readonly ChartData[]): string {
  const columns = charts.flatMap(({ title, series }) =>
    series.map(({ lane, band, values }) => ({ name: [title, lane, band].filter(Boolean).join(' · '), values })),
  );
  const head = ['step', 'timestep', ...columns.map(({ name }) => name)];
  const steps = lanes[0]?.steps ?? [];
  const lines = steps.map(({ timestep }, index) => [index + 1, timestep, ...columns.map(({ values }) => values[index] ?? '')]);
  return `${[head, ...lines].map((cells) => cells.join(',')).join('\n')}\n`;
}
