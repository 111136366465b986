import { type CSSProperties, useEffect, useMemo, useRef } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { Button } from '../../components/button.tsx';
import { ChangeCanvas, PictureCanvas } from '../../components/picture-canvas.tsx';
import { SelectField } from '../../components/select-field.tsx';
import { SliderField } from '../../components/slider-field.tsx';
import { HIGH_GAINS } from '../../store/band-views.ts';
import { nameAmong, shownLanes, shownSteps } from '../../store/compared.ts';
import { type Front, firstStageFrameId, frontFrameId, inputFrameId, type StepLayer, stepFrameId } from '../../store/frames.ts';
import { type RunRecord, shownAfter, shownRun } from '../../store/state.ts';
import { useActions, useFrames, useStudio } from '../../store/store.ts';
import { useRunNames } from '../../store/use-run-names.ts';
import { type ShadedWindow, shadedWindows } from '../../store/windows.ts';
import { BandChart } from './band-chart.tsx';
import styles from './timeline.module.css';

const PLAY_MS = 400;
const DECODE_AFTER_MS = 350;

/** Pixels that a picture of the strip is drawn with at most: there are hundreds of them. */
const THUMB_PIXELS = 2 ** 15;

/** What the change between two steps is multiplied by to be seen. */
const CHANGE_GAIN = 12;

type Row = 'low' | 'high' | 'change';
const ROWS: readonly Row[] = ['low', 'high'];
const ALL_ROWS: readonly Row[] = [...ROWS, 'change'];

interface TimelineProps {
  /** Whether only its bar is shown. */
  readonly folded: boolean;
  readonly onFold: () => void;
}

/** The input, the first stage and every step of the runs on screen: their low bands above their high bands, a column each, filling as they arrive. */
export function Timeline({ folded, onFold }: TimelineProps) {
  const run = useStudio(shownAfter);
  const lead = useStudio(shownRun);
  const lanes = useStudio(useShallow(shownLanes));
  const taken = useStudio(shownSteps);
  const { step, playing, changes } = useStudio((state) => state.view);
  const { show, decodeShownStep } = useActions();
  usePlayback(taken, step, playing);
  useEffect(() => {
    if (step === null || playing) return;
    // scrubbing past a step is no wish to see it in full
    const timer = setTimeout(() => void decodeShownStep(), DECODE_AFTER_MS);
    return () => clearTimeout(timer);
  }, [step, playing, decodeShownStep]);
  const fold = (
    <Button kind="icon" label={folded ? 'Show the steps' : 'Fold the steps'} onPress={onFold}>
      {folded ? '▴' : '▾'}
    </Button>
  );
  if (run === undefined || lead === undefined) {
    return (
      <section className={styles['timeline']} aria-label="Steps">
        <div className={styles['bar']}>
          <p className={styles['empty']}>Each denoising step will appear here: its low frequencies above, its high frequencies below.</p>
          {fold}
        </div>
      </section>
    );
  }
  const current = step ?? run.steps.length - 1;
  const count = Math.max(...lanes.map((lane) => lane.count));
  const info = lanes.map(({ steps }) => steps[current]).find((known) => known !== undefined);
  const rows = changes ? ALL_ROWS : ROWS;
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
        {!folded && (
          <>
            <Button kind={changes ? 'normal' : 'plain'} pressed={changes} onPress={() => show({ changes: !changes })}>
              Changes
            </Button>
            <HighGain own={lead.highGain} />
          </>
        )}
        <BandChart steps={run.steps} count={count} current={current} />
        {fold}
      </div>
      {!folded && (
        <div className={styles['strip']} style={{ '--rows': lanes.length * rows.length } as CSSProperties}>
          <RowNames lanes={lanes} rows={rows} />
          <Fronts lead={lead} lanes={lanes} rows={rows} />
          <Columns lanes={lanes} rows={rows} taken={taken} count={count} current={current} />
        </div>
      )}
    </section>
  );
}

/** How much brighter than they are high bands are shown, the same for every step: what grows is seen to grow. */
function HighGain({ own }: { readonly own: number }) {
  const chosen = useStudio((state) => state.view.highGain);
  const { show } = useActions();
  const options = [
    { value: 'own', text: `high ×${own}, fitting` },
    ...HIGH_GAINS.map((gain) => ({ value: String(gain), text: `high ×${gain}` })),
  ];
  return (
    <div className={styles['gain']}>
      <SelectField
        label="Brightness of high bands"
        labelHidden
        value={chosen === null ? 'own' : String(chosen)}
        options={options}
        onChange={(value) => show({ highGain: value === 'own' ? null : Number(value) })}
      />
    </div>
  );
}

interface RowsProps {
  readonly lanes: readonly RunRecord[];
  readonly rows: readonly Row[];
}

function RowNames({ lanes, rows }: RowsProps) {
  const names = useRunNames();
  const gain = useHighGain(lanes);
  const text = { low: 'low', high: gain === 1 ? 'high' : `high ×${gain}`, change: `change ×${CHANGE_GAIN}` };
  return (
    <div className={styles['rows']} aria-hidden>
      {lanes.map((lane) =>
        rows.map((row, i) => (
          <span key={`${lane.runId}/${row}`} className={styles['row']}>
            {i === 0 && <b>{nameAmong(lanes, lane, names)}</b>}
            <span className={styles[row]}>{text[row]}</span>
          </span>
        )),
      )}
    </div>
  );
}

/** The gain of all lanes on screen, the first one's, so that they can be compared. */
function useHighGain(lanes: readonly RunRecord[]): number {
  const chosen = useStudio((state) => state.view.highGain);
  return chosen ?? lanes[0]?.highGain ?? 1;
}

/** What the run began with, before any step, in the rows of its lane: the input, and what the first stage made of it. */
function Fronts({ lead, lanes, rows }: RowsProps & { readonly lead: RunRecord }) {
  const frames = useFrames();
  const { against, step } = useStudio((state) => state.view);
  // its place is kept before it is there
  const staged = useStudio(
    (state) => lead.firstStage || (lead.finished === null && state.manifests[lead.bundleId]?.graphs.restorer !== undefined),
  );
  const { holdAgainst, show } = useActions();
  const gain = useHighGain(lanes);
  const { runId } = lead;
  const lane = Math.max(
    0,
    lanes.findIndex(({ laneIds }) => laneIds.includes(runId)),
  );
  const hold = (wanted: 'input' | 'first-stage'): void => {
    show({ step: null, playing: false });
    void holdAgainst(against === wanted ? null : wanted);
  };
  const column = (front: Front, title: string, name: string, whole: string) => {
    const held = step === null && against === front;
    const low = frames.get(frontFrameId(runId, front, 'low')) ?? frames.get(whole);
    return (
      <div key={front} className={`${styles['column']} ${styles['front']}`} data-current={held}>
        <button type="button" className={styles['pick']} aria-pressed={held} onClick={() => hold(front)}>
          {title}
        </button>
        <div style={{ gridRow: 2 + rows.length * lane }}>
          <PictureCanvas image={low} label={name} className={styles['thumb']} pixels={THUMB_PIXELS} />
        </div>
        <div style={{ gridRow: 3 + rows.length * lane }}>
          <PictureCanvas
            image={frames.get(frontFrameId(runId, front, 'high'))}
            label={`High frequencies of the ${title}`}
            className={styles['thumb']}
            pixels={THUMB_PIXELS}
            gain={gain}
          />
        </div>
      </div>
    );
  };
  return (
    <div className={styles['fronts']}>
      {column('input', 'input', 'Input, low frequencies', inputFrameId(runId))}
      {staged && column('first-stage', 'stage 1', 'First stage', firstStageFrameId(runId))}
    </div>
  );
}

interface ColumnsProps extends RowsProps {
  readonly taken: number;
  readonly count: number;
  readonly current: number;
}

function Columns({ lanes, rows, taken, count, current }: ColumnsProps) {
  const list = useRef<HTMLOListElement>(null);
  const trained = useStudio((state) =>
    lanes.map(({ bundleId }) => state.manifests[bundleId]?.windows).find((known) => known !== undefined),
  );
  const windows = useMemo(() => shadedWindows(trained, count), [trained, count]);
  useEffect(() => {
    // the list alone: the page stays where the person has it
    const [strip, shown] = [list.current, list.current?.children[current]];
    if (strip === null || !(shown instanceof HTMLElement)) return;
    const [left, right] = [shown.offsetLeft, shown.offsetLeft + shown.offsetWidth];
    if (left < strip.scrollLeft) strip.scrollLeft = left;
    else if (right > strip.scrollLeft + strip.clientWidth) strip.scrollLeft = right - strip.clientWidth;
  }, [current]);
  return (
    <ol ref={list} className={styles['columns']}>
      {Array.from({ length: taken }, (_, index) => (
        <StepColumn
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is its index
          key={index}
          lanes={lanes}
          rows={rows}
          index={index}
          current={index === current}
          window={windows.find(({ from, to }) => index + 1 >= from && index + 1 <= to)?.name}
        />
      ))}
      {Array.from({ length: count - taken }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: places still to be filled have no other name
        <li key={`open-${i}`} className={styles['open']} aria-hidden />
      ))}
    </ol>
  );
}

interface StepColumnProps extends RowsProps {
  readonly index: number;
  readonly current: boolean;
  /** In which of the training's windows the step lies. */
  readonly window: ShadedWindow['name'] | undefined;
}

const WINDOW_TEXT = {
  early: 'RFSR was fine-tuned in this step, for structure',
  late: 'RFSR was fine-tuned in this step, for rewards',
} as const;

function StepColumn({ lanes, rows, index, current, window }: StepColumnProps) {
  const frames = useFrames();
  const { show } = useActions();
  const names = useRunNames();
  const gain = useHighGain(lanes);
  const label = (what: string, lane: RunRecord): string =>
    [`Step ${index + 1} ${what}`, nameAmong(lanes, lane, names)].filter(Boolean).join(', ');
  return (
    <li className={styles['column']} data-current={current} data-window={window} {...(window && { title: WINDOW_TEXT[window] })}>
      <button
        type="button"
        className={styles['pick']}
        aria-label={`Show step ${index + 1}`}
        onClick={() => show({ step: index, playing: false })}
      >
        {index + 1}
      </button>
      {lanes.map((lane) =>
        rows.map((row) => {
          const key = `${lane.runId}/${row}`;
          const shared = { className: styles['thumb'], pixels: THUMB_PIXELS };
          const view = (at: number, layer: StepLayer) => frames.get(stepFrameId(lane.runId, at, layer));
          if (row === 'change') {
            const [before, after] = [view(index - 1, 'x0'), view(index, 'x0')];
            return <ChangeCanvas key={key} before={before} after={after} label={label('change', lane)} gain={CHANGE_GAIN} {...shared} />;
          }
          const lit = row === 'high' ? gain : 1;
          return <PictureCanvas key={key} image={view(index, row)} label={label(`${row} frequencies`, lane)} gain={lit} {...shared} />;
        }),
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
