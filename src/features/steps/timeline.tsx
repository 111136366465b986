import { useEffect, useRef } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { Button } from '../../components/button.tsx';
import { PictureCanvas } from '../../components/picture-canvas.tsx';
import { SliderField } from '../../components/slider-field.tsx';
import { nameAmong, shownLanes, shownSteps } from '../../store/compared.ts';
import { firstStageFrameId, stepFrameId } from '../../store/frames.ts';
import { type RunRecord, shownAfter, shownRun } from '../../store/state.ts';
import { useActions, useFrames, useStudio } from '../../store/store.ts';
import { useRunNames } from '../../store/use-run-names.ts';
import { BandChart } from './band-chart.tsx';
import styles from './timeline.module.css';

const PLAY_MS = 400;
const DECODE_AFTER_MS = 350;

/** Every step of the runs on screen: their low bands above their high bands, a column each, filling as they arrive. */
export function Timeline() {
  const run = useStudio(shownAfter);
  const lead = useStudio(shownRun);
  const lanes = useStudio(useShallow(shownLanes));
  const taken = useStudio(shownSteps);
  const names = useRunNames();
  const { step, playing } = useStudio((state) => state.view);
  const { show, decodeShownStep } = useActions();
  usePlayback(taken, step, playing);
  useEffect(() => {
    if (step === null || playing) return;
    // scrubbing past a step is no wish to see it in full
    const timer = setTimeout(() => void decodeShownStep(), DECODE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [step, playing, decodeShownStep]);
  if (run === undefined || lead === undefined) {
    return (
      <section className={styles['timeline']} aria-label="Steps">
        <p className={styles['empty']}>Each denoising step will appear here: its low frequencies above, its high frequencies below.</p>
      </section>
    );
  }
  const current = step ?? run.steps.length - 1;
  const count = Math.max(...lanes.map((lane) => lane.count));
  const info = lanes.map(({ steps }) => steps[current]).find((known) => known !== undefined);
  return (
    <section className={styles['timeline']} aria-label="Steps">
      <div className={styles['bar']}>
        <Button
          kind="icon"
          label={playing ? 'Pause' : 'Play steps'}
          disabled={taken === 0}
          onPress={() => show(playing ? { playing: false } : { playing: true, step: step === null || step === taken - 1 ? 0 : step })}
        >
          {playing ? '❚❚' : '▶'}
        </Button>
        <span className={styles['now']}>
          {info === undefined ? 'waiting for the first step' : `step ${current + 1} of ${count} · t = ${info.timestep}`}
        </span>
        <div className={styles['slider']}>
          <SliderField
            label="Step"
            labelHidden
            value={Math.max(1, current + 1)}
            min={1}
            max={Math.max(1, taken)}
            disabled={taken === 0}
            onChange={(value) => show({ step: value - 1, playing: false })}
          />
        </div>
        {run.finished !== null && (
          <Button kind="plain" disabled={step === null} onPress={() => show({ step: null, playing: false, layer: 'x0' })}>
            Result
          </Button>
        )}
        <BandChart steps={run.steps} count={count} current={current} />
      </div>
      <div className={styles['strip']}>
        <div className={styles['rows']} aria-hidden>
          {lanes.map((lane) => (
            <span key={lane.runId} className={styles['lane']}>
              <b>{nameAmong(lanes, lane, names)}</b>
              <span className={styles['low']}>low</span>
              <span className={styles['high']}>high</span>
            </span>
          ))}
        </div>
        {lead.firstStage && <FirstStage runId={lead.runId} lanes={lanes} />}
        <ol className={styles['columns']} data-pair={lanes.length > 1}>
          {Array.from({ length: taken }, (_, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is its index
            <StepColumn key={index} lanes={lanes} index={index} current={index === current} />
          ))}
          {Array.from({ length: count - taken }, (_, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: places still to be filled have no other name
            <li key={`open-${i}`} className={styles['open']} aria-hidden />
          ))}
        </ol>
      </div>
    </section>
  );
}

interface FirstStageProps {
  readonly runId: string;
  readonly lanes: readonly RunRecord[];
}

/** What a run's first stage made of the input, before any step, in the row of its lane; a press holds the result against it. */
function FirstStage({ runId, lanes }: FirstStageProps) {
  const frames = useFrames();
  const against = useStudio((state) => state.view.against);
  const { show } = useActions();
  const held = against === 'first-stage';
  const lane = lanes.findIndex(({ laneIds }) => laneIds.includes(runId));
  return (
    <div
      className={`${styles['column']} ${styles['first']}`}
      style={{ gridTemplateRows: `20px repeat(${2 * lanes.length}, minmax(0, 1fr))` }}
      data-current={held}
    >
      <button
        type="button"
        className={styles['pick']}
        aria-pressed={held}
        onClick={() => show({ against: held ? null : 'first-stage', step: null, playing: false })}
      >
        stage 1
      </button>
      <div style={{ gridRow: 2 + 2 * lane }}>
        <PictureCanvas image={frames.get(firstStageFrameId(runId))} label="First stage" className={styles['thumb']} />
      </div>
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
  const names = useRunNames();
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
      {lanes.map((lane) =>
        (['low', 'high'] as const).map((layer) => (
          <PictureCanvas
            key={`${lane.runId}/${layer}`}
            image={frames.get(stepFrameId(lane.runId, index, layer))}
            label={[`Step ${index + 1} ${layer} frequencies`, nameAmong(lanes, lane, names)].filter(Boolean).join(', ')}
            className={styles['thumb']}
          />
        )),
      )}
    </li>
  );
}

function usePlayback(taken: number, step: number | null, playing: boolean): void {
  const { show } = useActions();
  const last = taken - 1;
  useEffect(() => {
    if (!playing || step === null) return;
    const timer = setTimeout(() => show(step < last ? { step: step + 1 } : { playing: false }), PLAY_MS);
    return () => clearTimeout(timer);
  }, [playing, step, last, show]);
}
