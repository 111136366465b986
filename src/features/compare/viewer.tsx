import { Button } from '../../components/button.tsx';
import { Comparison } from '../../components/comparison.tsx';
import { useHeldKey } from '../../components/free-keys.ts';
import type { Image8 } from '../../protocol/request.ts';
import type { StepLayer } from '../../store/frames.ts';
import type { ViewMode } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';
import { CompareWith } from './compare-with.tsx';
import { DifferenceOptions } from './difference-options.tsx';
import { RegionInputs } from './region-inputs.tsx';
import { useRegion } from './use-region.ts';
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
  const mode = useStudio((state) => state.view.mode);
  const running = useStudio((state) => state.progress !== null);
  const peeking = useHeldKey(' ');
  const region = useRegion();
  const difference = useDifference(before, after, mode === 'difference' && !running);
  return (
    <section className={styles['viewer']} aria-label="Result">
      <Comparison
        before={before}
        after={after}
        difference={difference}
        height={height}
        width={width}
        mode={mode}
        input={input}
        peeking={peeking}
        selection={region}
      >
        <div className={styles['modes']}>
          {after.image !== undefined && <ModeButtons showsStep={showsStep} />}
          {after.image !== undefined && <CopyButton image={after.image} />}
          <Button kind={region.drawing ? 'normal' : 'plain'} pressed={region.drawing} disabled={running} onPress={region.toggle}>
            {region.text}
          </Button>
          {region.drawing && <RegionInputs />}
          {region.chosen && (
            <Button kind="plain" disabled={running} onPress={region.clear}>
              Whole picture
            </Button>
          )}
        </div>
      </Comparison>
    </section>
  );
}

/** Puts the picture on the right on the clipboard. */
function CopyButton({ image }: { readonly image: Image8 }) {
  const { copyPicture } = useActions();
  return (
    <Button kind="plain" label="Copy the picture" onPress={() => void copyPicture(image)}>
      Copy
    </Button>
  );
}

/** How the two pictures are compared, and of a step which of its layers. */
function ModeButtons({ showsStep }: { readonly showsStep: boolean }) {
  const { mode, layer } = useStudio((state) => state.view);
  const { show } = useActions();
  return (
    <>
      {MODES.map(({ mode: option, text }) => (
        <Button key={option} kind={option === mode ? 'normal' : 'plain'} pressed={option === mode} onPress={() => show({ mode: option })}>
          {text}
        </Button>
      ))}
      <span className={styles['against']}>
        <span aria-hidden>against</span>
        <CompareWith />
      </span>
      {mode === 'difference' && <DifferenceOptions />}
      {showsStep && <span className={styles['gap']} />}
      {showsStep &&
        LAYERS.map(({ layer: option, text }) => (
          <Button
            key={option}
            kind={option === layer ? 'normal' : 'plain'}
            pressed={option === layer}
            onPress={() => show({ layer: option })}
          >
            {text}
          </Button>
        ))}
      <span className={styles['gap']} />
    </>
  );
}
