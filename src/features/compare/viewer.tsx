import { useEffect, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Comparison } from '../../components/comparison.tsx';
import { inputFrameId, PICTURE_FRAME_ID, resultFrameId, type StepLayer, stepFrameId } from '../../store/frames.ts';
import { shownRun, type ViewMode } from '../../store/state.ts';
import { useActions, useFrames, useStudio } from '../../store/store.ts';
import styles from './viewer.module.css';

const MODES: readonly { readonly mode: ViewMode; readonly text: string }[] = [
  { mode: 'split', text: 'Split' },
  { mode: 'side', text: 'Side by side' },
  { mode: 'blink', text: 'Blink' },
  { mode: 'difference', text: 'Difference' },
];

const LAYERS: readonly { readonly layer: StepLayer; readonly text: string }[] = [
  { layer: 'x0', text: 'Picture' },
  { layer: 'low', text: 'Low band' },
  { layer: 'high', text: 'High band' },
];

/** The picture: input against result, or against the step chosen in the timeline. */
export function Viewer() {
  const { before, after, height, width, showsStep } = useShown();
  const { mode, layer } = useStudio((state) => state.view);
  const actions = useActions();
  const peek = useHeldSpace();
  return (
    <section className={styles['viewer']} aria-label="Result">
      <Comparison before={before} after={after} height={height} width={width} mode={mode} peek={peek} />
      {after.image !== undefined && (
        <div className={styles['modes']}>
          {MODES.map(({ mode: option, text }) => (
            <Button key={option} kind={option === mode ? 'normal' : 'plain'} onPress={() => actions.show({ mode: option })}>
              {text}
            </Button>
          ))}
          {showsStep && <span className={styles['gap']} />}
          {showsStep &&
            LAYERS.map(({ layer: option, text }) => (
              <Button key={option} kind={option === layer ? 'normal' : 'plain'} onPress={() => actions.show({ layer: option })}>
                {text}
              </Button>
            ))}
        </div>
      )}
    </section>
  );
}

/** What the viewer shows now, from state and frame cache. */
function useShown() {
  const frames = useFrames();
  const picture = useStudio((state) => state.picture);
  const scale = useStudio((state) => state.settings.scale);
  const run = useStudio(shownRun);
  const { step, layer, decoded } = useStudio((state) => state.view);
  if (run === undefined) {
    const image = frames.get(PICTURE_FRAME_ID);
    const sides = { before: { image, name: 'input' }, after: { image: undefined, name: '' } };
    return { ...sides, height: picture.height * scale, width: picture.width * scale, showsStep: false };
  }
  const before = { image: frames.get(inputFrameId(run.runId)), name: 'input' };
  const size = { height: run.height, width: run.width };
  const newest = run.finished === null ? run.steps.length - 1 : null;
  const index = step ?? newest;
  if (index === null) return { before, after: { image: frames.get(resultFrameId(run.runId)), name: 'result' }, ...size, showsStep: false };
  const full = decoded.includes(`${run.runId}/${index}`);
  const image = frames.get(stepFrameId(run.runId, index, layer, full)) ?? frames.get(stepFrameId(run.runId, index, layer));
  const name = `step ${index + 1}${layer === 'x0' ? '' : `, ${layer} band`}${full ? '' : ' (preview)'}`;
  return { before, after: { image, name }, ...size, showsStep: true };
}

/** Whether the space bar is held with no control focused: the input is shown meanwhile. */
function useHeldSpace(): boolean {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.code !== 'Space' || event.target !== document.body) return;
      event.preventDefault();
      setHeld(event.type === 'keydown');
    };
    window.addEventListener('keydown', onKey);
    window.addEventListener('keyup', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
      window.removeEventListener('keyup', onKey);
    };
  }, []);
  return held;
}
