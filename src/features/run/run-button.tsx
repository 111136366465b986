import { Button } from '../../components/button.tsx';
import { useActions, useStudio } from '../../store/store.ts';

/** The one primary button: starts a run; holds and ends the one under way, with the steps it took or, pressed again, at once. */
export function RunButton() {
  const ready = useStudio((state) => state.picture.status === 'ready' && state.manifests[state.settings.bundleId] !== undefined);
  const progress = useStudio((state) => state.progress);
  const { upscale, cancel, pause, goOn } = useActions();
  if (progress !== null) {
    const { paused, cancelling } = progress;
    return (
      <>
        <Button disabled={cancelling} onPress={() => void (paused ? goOn() : pause())}>
          {paused ? 'Go on' : 'Pause'}
        </Button>
        <Button onPress={() => void cancel()}>{cancelling ? 'Stop now' : 'Cancel'}</Button>
      </>
    );
  }
  return (
    <Button kind="primary" onPress={() => void upscale()} disabled={!ready}>
      Upscale
    </Button>
  );
}
