import { useEffect, useRef } from 'react';
import { Button } from '../../components/button.tsx';
import { PictureCanvas } from '../../components/picture-canvas.tsx';
import { SliderField } from '../../components/slider-field.tsx';
import { firstStageFrameId, stepFrameId } from '../../store/frames.ts';
import { type RunRecord, shownPartner, shownRun } from '../../store/state.ts';
import { useActions, useFrames, useStudio } from '../../store/store.ts';
import { BandChart } from './band-chart.tsx';
import styles from './timeline.module.css';

const LANE_NAMES = ['base', 'RFSR'] as const;
const PLAY_MS = 400;
const DECODE_AFTER_MS = 350;

/** Every step of the shown run: its low band above its high band, a column each, filling as they arrive. */
export function Timeline() {
  const run = useStudio(shownRun);
  const partner = useStudio(shownPartner);
  const { step, playing } = useStudio((state) => state.view);
  const { show, decodeShownStep } = useActions();
  usePlayback(run, step, playing);
  useEffect(() => {
    if (step === null || playing) return;
    // scrubbing past a step is no wish to see it in full
    const timer = setTimeout(() => void decodeShownStep(), DECODE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [step, playing, decodeShownStep]);
  if (run === undefined) {
    return (
      <section className={styles['timeline']} aria-label="Steps">
        <p className={styles['empty']}>Each denoising step will appear here: its low frequencies above, its high frequencies below.</p>
      </section>
    );
  }
  const lanes = partner === undefined ? [run] : [run, partner];
  const current = step ?? run.steps.length - 1;
  const info = run.steps[current];
  return (
    <section className={styles['timeline']} aria-label="Steps">
      <div className={styles['bar']}>
        <Button
          kind="icon"
          label={playing ? 'Pause' : 'Play steps'}
          disabled={run.steps.length === 0}
          onPress={() =>
            show(playing ? { playing: false } : { playing: true, step: step === null || step === run.steps.length - 1 ? 0 : step })
          }
        >
          {playing ? '❚❚' : '▶'}
        </Button>
        <span className={styles['now']}>
          {info === undefined ? 'waiting for the first step' : `step ${current + 1} of ${run.count} · t = ${info.timestep}`}
        </span>
        <div className={styles['slider']}>
          <SliderField
            label="Step"
            labelHidden
            value={Math.max(1, current + 1)}
            min={1}
            max={Math.max(1, run.steps.length)}
            disabled={run.steps.length === 0}
            onChange={(value) => show({ step: value - 1, playing: false })}
          />
        </div>
        {run.finished !== null && (
          <Button kind="plain" disabled={step === null} onPress={() => show({ step: null, playing: false, layer: 'x0' })}>
            Result
          </Button>
        )}
        <BandChart steps={run.steps} count={run.count} current={current} />
      </div>
      <div className={styles['strip']}>
        <div className={styles['rows']} aria-hidden>
          {lanes.map(({ runId }, lane) => (
            <span key={runId} className={styles['lane']}>
              {lanes.length > 1 && <b>{LANE_NAMES[lane]}</b>}
              <span className={styles['low']}>low</span>
              <span className={styles['high']}>high</span>
            </span>
          ))}
        </div>
        {run.firstStage && <FirstStage runId={run.runId} />}
        <ol className={styles['columns']} data-pair={lanes.length > 1}>
          {run.steps.map((_, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is its index
            <StepColumn key={index} lanes={lanes} index={index} current={index === current} />
          ))}
          {Array.from({ length: run.count - run.steps.length }, (_, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: places still to be filled have no other name
            <li key={`open-${i}`} className={styles['open']} aria-hidden />
          ))}
        </ol>
      </div>
    </section>
  );
}

/** What the first stage made of the input, before any step; a press holds the result against it. */
function FirstStage({ runId }: { readonly runId: string }) {
  const frames = useFrames();
  const against = useStudio((state) => state.view.against);
  const { show } = useActions();
  const held = against === 'first-stage';
  return (
    <div className={`${styles['column']} ${styles['first']}`} data-current={held}>
      <button
        type="button"
        className={styles['pick']}
        aria-pressed={held}
        onClick={() => show({ against: held ? null : 'first-stage', step: null, playing: false })}
      >
        stage 1
      </button>
      <PictureCanvas image={frames.get(firstStageFrameId(runId))} label="First stage" className={styles['thumb']} />
    </div>
  );
}

interface StepColumnProps {
  readonly lanes: readonly RunRecord[];
  readonly index: number;
  readonly current: boolean;
}

function StepColumn({ lanes, index, current }: StepColumnProps) {
  const frames = useFrames();
  const { show } = useActions();
  const ref = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (current) ref.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current]);
  return (
    <li ref={ref} className={styles['column']} data-current={current}>
      <button
        type="button"
        className={styles['pick']}
        aria-label={`Show step ${index + 1}`}
        onClick={() => show({ step: index, playing: false })}
      >
        {index + 1}
      </button>
      {lanes.map(({ runId }, lane) =>
        (['low', 'high'] as const).map((layer) => (
          <PictureCanvas
            key={`${runId}/${layer}`}
            image={frames.get(stepFrameId(runId, index, layer))}
            label={`Step ${index + 1} ${layer} frequencies${lanes.length > 1 ? `, ${LANE_NAMES[lane]}` : ''}`}
            className={styles['thumb']}
          />
        )),
      )}
    </li>
  );
}

function usePlayback(run: RunRecord | undefined, step: number | null, playing: boolean): void {
  const { show } = useActions();
  const last = (run?.steps.length ?? 0) - 1;
  useEffect(() => {
    if (!playing || step === null) return;
    const timer = setTimeout(() => show(step < last ? { step: step + 1 } : { playing: false }), PLAY_MS);
    return () => clearTimeout(timer);
  }, [playing, step, last, show]);
}
