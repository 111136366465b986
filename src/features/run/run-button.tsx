import { Button } from '../../components/button.tsx';
import { waitingItems } from '../../store/queue.ts';
import { type StudioState, underWay } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';
import { usePlan } from '../../store/use-plan.ts';

/** The one primary button: starts a run or the queue. While something is under way, that is held and ended here. */
export function RunButton() {
  const known = useStudio((state) => state.manifests[state.settings.bundleId] !== undefined);
  const open = useStudio((state) => state.picture.status === 'ready');
  const waiting = useStudio(waitingCount);
  const refused = usePlan()?.kind === 'refusal';
  const busy = useStudio(underWay);
  const going = useStudio((state) => state.queue.going);
  const { upscale } = useActions();
  return (
    <>
      {busy && <Steering />}
      {(!busy || (waiting > 0 && !going)) && (
        <Button kind="primary" onPress={() => void upscale()} disabled={!known || (waiting === 0 && (!open || refused))}>
          {waiting > 0 ? `Upscale all (${waiting})` : 'Upscale'}
        </Button>
      )}
    </>
  );
}

/** Holds what is under way and lets it go on; ends it with the steps it took or, pressed again, without. */
function Steering() {
  const paused = useStudio((state) => state.queue.paused);
  const more = useStudio((state) => state.queue.going && waitingCount(state) > 0);
  const cancelling = useStudio((state) => state.progress?.cancelling === true);
  const stepped = useStudio((state) => state.runs.some(({ runId, steps }) => runId === state.progress?.laneIds[0] && steps.length > 0));
  const { cancel, pause, goOn } = useActions();
  return (
    <>
      <Button disabled={cancelling} onPress={() => void (paused ? goOn() : pause())}>
        {paused ? 'Go on' : more ? 'Pause queue' : 'Pause'}
      </Button>
      <Button onPress={() => void cancel()}>{!cancelling ? 'Cancel' : stepped ? 'Discard' : 'Stop now'}</Button>
    </>
  );
}

/** How many pictures wait beside the one in the viewer; one alone is started by itself. */
function waitingCount({ queue }: StudioState): number {
  return queue.items.length > 1 ? waitingItems(queue).length : 0;
}
