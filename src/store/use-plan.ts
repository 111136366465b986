import { useMemo } from 'react';
import { useShallow } from 'zustand/react/shallow';
import type { Plan } from '../plan/plan-run.ts';
import { knownRate, plannedMacs, planningOf, planOf } from './plan.ts';
import { useStudio } from './store.ts';
import { queueSecondsLeft } from './time-left.ts';

/** What a press of Upscale would take, or why it cannot be; null until picture, model and device are known. */
export function usePlan(): Plan | null {
  const picture = useStudio((state) => state.picture);
  const settings = useStudio((state) => state.settings);
  const planning = useStudio(useShallow(planningOf));
  const rate = useStudio(knownRate);
  return picture.status === 'ready' ? planOf(picture, settings, planning, rate) : null;
}

/** Seconds that everything running and waiting needs; null where that is unknown. */
export function useQueueSecondsLeft(): number | null {
  const planning = useStudio(useShallow(planningOf));
  const macsOf = useMemo(() => plannedMacs(planning), [planning]);
  return useStudio((state) => queueSecondsLeft(state, macsOf));
}
