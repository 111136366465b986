import type { StepInfo } from '../../store/state.ts';
import styles from './timeline.module.css';

const HEIGHT = 30;
const WIDTH = 120;

interface BandChartProps {
  readonly steps: readonly StepInfo[];
  readonly count: number;
  readonly current: number;
}

/** Energy of the two bands over the steps, each on its own scale: what grows, and when. */
export function BandChart({ steps, count, current }: BandChartProps) {
  const x = (index: number): number => (count < 2 ? WIDTH / 2 : (index / (count - 1)) * WIDTH);
  const line = (pick: 'lowEnergy' | 'highEnergy'): string => {
    const values = steps.map(({ statistics }) => statistics?.[pick] ?? 0);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return values.map((value, i) => `${x(i)},${HEIGHT - 3 - ((value - low) / (high - low || 1)) * (HEIGHT - 6)}`).join(' ');
  };
  return (
    <figure className={styles['chart']}>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        width={WIDTH}
        height={HEIGHT}
        role="img"
        aria-label="Energy of the low and the high band over the steps"
      >
        <line x1={x(current)} x2={x(current)} y1={0} y2={HEIGHT} className={styles['playhead']} />
        <polyline points={line('lowEnergy')} className={styles['lowLine']} />
        <polyline points={line('highEnergy')} className={styles['highLine']} />
      </svg>
      <figcaption>
        <span className={styles['low']}>low</span> <span className={styles['high']}>high</span> energy
      </figcaption>
    </figure>
  );
}
