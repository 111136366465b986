import { ProgressBar } from 'react-aria-components';
import controls from '../../components/controls.module.css';
import { aboutTime } from '../../plan/words.ts';
import type { Stage } from '../../protocol/events.ts';
import { comingCount } from '../../store/queue.ts';
import type { ProgressState, RunRecord } from '../../store/state.ts';
import { useStudio } from '../../store/store.ts';
import { secondsLeft } from '../../store/time-left.ts';
import { useQueueSecondsLeft } from '../../store/use-plan.ts';
import styles from './run-progress.module.css';

const STAGE_TEXT: Readonly<Record<Stage, string>> = {
  load: 'Preparing the model',
  restore: 'Removing noise and blocks',
  tag: 'Looking at the picture',
  text: 'Reading the prompt',
  encode: 'Encoding',
  denoise: 'Denoising',
  decode: 'Decoding',
};

/** What the run is doing, how far it is, and how long its own pace says it will take. */
export function RunProgress() {
  const progress = useStudio((state) => state.progress);
  const run = useStudio((state) => state.runs.find(({ runId }) => runId === state.progress?.laneIds[0]));
  const left = useStudio(secondsLeft);
  const more = useStudio((state) => comingCount(state.queue));
  const allLeft = useQueueSecondsLeft();
  const paused = useStudio((state) => state.queue.paused);
  if (progress === null) return null;
  const text = describe(progress, paused, run, left);
  return (
    <ProgressBar
      className={styles['progress'] ?? ''}
      aria-label="Progress"
      value={run?.steps.length ?? 0}
      maxValue={run?.count ?? 1}
      valueLabel={text}
    >
      {({ percentage }) => (
        <>
          <span className={styles['text']}>{text}</span>
          {more > 0 && (
            <span className={styles['more']}>
              and {more} more{allLeft !== null && ` · ${aboutTime(allLeft)} for all`}
            </span>
          )}
          <div className={controls['bar']}>
            <div className={controls['barFill']} style={{ width: `${percentage ?? 0}%` }} />
          </div>
        </>
      )}
    </ProgressBar>
  );
}

function describe(progress: ProgressState, paused: boolean, run: RunRecord | undefined, left: number | null): string {
  if (run === undefined) return progress.cancelling ? 'Cancelling…' : paused ? 'Paused' : 'Reading the picture…';
  if (progress.cancelling) {
    if (run.steps.length === 0) return 'Cancelling…';
    return run.steps.length === run.count ? 'Finishing the result…' : `Finishing with step ${run.steps.length} of ${run.count}…`;
  }
  if (paused) return `Paused after step ${run.steps.length} of ${run.count}`;
  if (progress.download !== null) {
    const { loadedBytes, totalBytes } = progress.download;
    return `Loading the model: ${megabytes(loadedBytes)} of ${megabytes(totalBytes)} MB`;
  }
  const tile = progress.tile === null ? '' : ` · tile ${progress.tile.index + 1} of ${progress.tile.count}`;
  if (progress.stage !== 'denoise') return `${STAGE_TEXT[progress.stage]}${tile}…`;
  const step = `Step ${Math.min(run.steps.length + 1, run.count)} of ${run.count}${tile}`;
  return left === null ? `${step}…` : `${step} · ${aboutTime(left)} left`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
