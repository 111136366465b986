import { Button } from '../../components/button.tsx';
import { waitingItems } from '../../store/queue.ts';
import { useActions, useStudio } from '../../store/store.ts';
import { usePlan } from '../../store/use-plan.ts';

/** The one primary button: starts a run or the queue; holds and ends what is under way, with the steps it took or, pressed again, without. */
export function RunButton() {
  const ready = useStudio((state) => state.picture.status === 'ready' && state.manifests[state.settings.bundleId] !== undefined);
  const progress = useStudio((state) => state.progress);
  const waiting = useStudio((state) => (state.queue.items.length > 1 ? waitingItems(state.queue).length : 0));
  const refused = usePlan()?.kind === 'refusal';
  const going = useStudio((state) => state.queue.going);
  const stepped = useStudio((state) => state.runs.some(({ runId, steps }) => runId === state.progress?.laneIds[0] && steps.length > 0));
  const { upscale, cancel, pause, goOn } = useActions();
  if (progress !== null && (waiting === 0 || going || progress.paused)) {
    const { paused, cancelling } = progress;
    return (
      <>
        <Button disabled={cancelling} onPress={() => void (paused ? goOn() : pause())}>
          {paused ? 'Go on' : waiting > 0 ? 'Pause queue' : 'Pause'}
        </Button>
        {waiting === 0 && <Button onPress={() => void cancel()}>{!cancelling ? 'Cancel' : stepped ? 'Discard' : 'Stop now'}</Button>}
      </>
    );
  }
  return (
    <Button kind="primary" onPress={() => void upscale()} disabled={!ready || (refused && waiting === 0)}>
      {waiting > 0 ? `Upscale all (${waiting})` : 'Upscale'}
    </Button>
  );
}
