import { useMemo } from 'react';
import type { Plan } from '../plan/plan-run.ts';
import { planOf } from './plan.ts';
import { useStudio } from './store.ts';

/** The plan for what is chosen now. */
export function usePlan(): Plan | null {
  const picture = useStudio((state) => state.picture);
  const settings = useStudio((state) => state.settings);
  const manifests = useStudio((state) => state.manifests);
  const bundles = useStudio((state) => state.bundles);
  const device = useStudio((state) => state.device);
  const rates = useStudio((state) => state.rates);
  const saveOptions = useStudio((state) => state.saveOptions);
  return useMemo(
    () => planOf({ picture, settings, manifests, bundles, device, rates, saveOptions }),
    [picture, settings, manifests, bundles, device, rates, saveOptions],
  );
}
