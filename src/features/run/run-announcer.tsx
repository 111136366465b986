import { useEffect, useState } from 'react';
import { useStudio } from '../../store/store.ts';

const QUARTERS = ['has begun', 'is a quarter done', 'is half done', 'is three quarters done'] as const;

/** Tells those who do not see it when a run begins, at each quarter, and when it ends. */
export function RunAnnouncer() {
  const running = useStudio((state) => state.progress !== null);
  const run = useStudio((state) => state.runs.find(({ runId }) => runId === state.progress?.laneIds[0]));
  const over = useStudio((state) => state.progress === null && state.runs.some(({ finished }) => finished !== null));
  const [told, setTold] = useState('');
  const name = run?.pictureName;
  const quarter = run === undefined ? null : QUARTERS[Math.floor((4 * run.steps.length) / run.count)];
  useEffect(() => {
    if (quarter != null) setTold(`Upscaling ${name} ${quarter}.`);
  }, [quarter, name]);
  useEffect(() => {
    // only where one was told of before
    if (!running) setTold((before) => (before === '' ? '' : over ? 'Upscaling has ended; the result is shown.' : 'Upscaling has ended.'));
  }, [running, over]);
  return (
    <p role="status" aria-label="Progress of the run" className="visually-hidden">
      {told}
    </p>
  );
}
