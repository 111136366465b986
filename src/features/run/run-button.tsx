import { Button } from '../../components/button.tsx';
import { useActions, useStudio } from '../../store/store.ts';

/** The one primary button: starts a run, or cancels the one under way. */
export function RunButton() {
  const ready = useStudio((state) => state.picture.status === 'ready' && state.manifests[state.settings.bundleId] !== undefined);
  const progress = useStudio((state) => state.progress);
  const { upscale, cancel } = useActions();
  if (progress !== null) {
    return (
      <Button onPress={() => void cancel()} disabled={progress.cancelling}>
        Cancel
      </Button>
    );
  }
  return (
    <Button kind="primary" onPress={() => void upscale()} disabled={!ready}>
      Upscale
    </Button>
  );
}
