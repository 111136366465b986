import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { aboutTime, gigabytes } from '../../plan/words.ts';
import { waitingItems } from '../../store/queue.ts';
import { type StudioState, shownRun, underWay } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';
import { usePlan, useQueueSecondsLeft } from '../../store/use-plan.ts';

/** Seconds of a run, or of all that wait, from which on a press asks again before it starts. */
const LONG_SECONDS = 1800;
/** Likewise of memory, which the machine's other programs want too. */
const LARGE_BYTES = 4 * 2 ** 30;

/** Starts a run or the queue: the primary button until there is a result. While something is under way, that is held and ended here. */
export function RunButton() {
  const known = useStudio((state) => state.manifests[state.settings.bundleId] !== undefined);
  const open = useStudio((state) => state.picture.status === 'ready');
  const done = useStudio((state) => shownRun(state)?.finished != null);
  const waiting = useStudio(waitingCount);
  const plan = usePlan();
  const allSeconds = useQueueSecondsLeft();
  const busy = useStudio(underWay);
  const going = useStudio((state) => state.queue.going);
  const { upscale } = useActions();
  const [asking, setAsking] = useState(false);
  const refused = plan?.kind === 'refusal';
  const seconds = waiting > 0 ? allSeconds : plan?.kind === 'plan' ? plan.seconds : null;
  const peakBytes = waiting === 0 && plan?.kind === 'plan' ? plan.peakBytes : 0;
  const long = seconds !== null && seconds > LONG_SECONDS;
  const needs = [...(seconds === null ? [] : [aboutTime(seconds)]), ...(peakBytes === 0 ? [] : [`${gigabytes(peakBytes)} of memory`])];
  const start = (): void => {
    setAsking(false);
    void upscale();
  };
  return (
    <>
      {busy && <Steering />}
      {(!busy || (waiting > 0 && !going)) && (
        <Button
          kind={done && waiting === 0 ? 'normal' : 'primary'}
          onPress={() => (long || peakBytes > LARGE_BYTES ? setAsking(true) : start())}
          disabled={!known || (waiting === 0 && (!open || refused))}
        >
          {waiting > 0 ? `Upscale all (${waiting})` : 'Upscale'}
        </Button>
      )}
      {asking && (
        <Confirm
          text={`This will take ${needs.join(' and ')}. Fewer steps, a smaller scale or a region take less.`}
          action="Start all the same"
          onConfirm={start}
          onClose={() => setAsking(false)}
        />
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
