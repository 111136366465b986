import { useMemo } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { listedRuns } from './compared.ts';
import { runNames } from './run-names.ts';
import { useStudio } from './store.ts';

/** What the listed runs are called, by id. */
export function useRunNames(): ReadonlyMap<string, string> {
  const runs = useStudio(useShallow(listedRuns));
  return useMemo(() => runNames(runs), [runs]);
}
