import { useEffect, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Comparison } from '../../components/comparison.tsx';
import type { StepLayer } from '../../store/frames.ts';
import type { ViewMode } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';
import { CompareWith } from './compare-with.tsx';
import { DifferenceOptions } from './difference-options.tsx';
import { useDifference, useShown } from './use-shown.ts';
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

/** The picture: input against result, base against RFSR, or the same of the step chosen in the timeline. */
export function Viewer() {
  const { before, after, input, height, width, showsStep } = useShown();
  const { mode, layer } = useStudio((state) => state.view);
  const actions = useActions();
  const peek = useHeldSpace();
  const difference = useDifference(before.id, after.id, mode === 'difference');
  return (
    <section className={styles['viewer']} aria-label="Result">
      <Comparison
        before={before}
        after={after}
        difference={difference}
        height={height}
        width={width}
        mode={mode}
        peek={peek ? input : null}
      />
      {after.image !== undefined && (
        <div className={styles['modes']}>
          {MODES.map(({ mode: option, text }) => (
            <Button key={option} kind={option === mode ? 'normal' : 'plain'} onPress={() => actions.show({ mode: option })}>
              {text}
            </Button>
          ))}
          <CompareWith />
          {mode === 'difference' && <DifferenceOptions />}
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
