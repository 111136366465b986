import { useShallow } from 'zustand/react/shallow';
import { listedRuns, shownBefore } from '../../store/compared.ts';
import { useActions, useStudio } from '../../store/store.ts';
import { useRunNames } from '../../store/use-run-names.ts';
import styles from './run-chips.module.css';

/** The last results, a press away; a pair's two stand side by side. Their line is kept free until there are some, so that the steps below stay where they are. */
export function RunChips() {
  const runs = useStudio(useShallow(listedRuns));
  const names = useRunNames();
  const shown = useStudio((state) => state.shownRunId);
  const before = useStudio((state) => shownBefore(state)?.runId);
  const { showRun } = useActions();
  if (runs.length < 2) return <div className={styles['chips']} />;
  return (
    <ul className={styles['chips']} aria-label="Last results">
      {runs.map(({ runId }) => (
        <li key={runId}>
          <button
            type="button"
            aria-pressed={runId === shown}
            data-before={runId === before}
            className={styles['chip']}
            onClick={() => void showRun(runId)}
          >
            {names.get(runId)}
          </button>
        </li>
      ))}
    </ul>
  );
}
