import { runName } from '../../store/compared.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './run-chips.module.css';

/** The last results, a press away. */
export function RunChips() {
  const runs = useStudio((state) => state.runs);
  const shown = useStudio((state) => state.shownRunId);
  const { showRun } = useActions();
  const others = useStudio((state) => state.queue.items);
  const selected = useStudio((state) => state.queue.selectedId);
  // those of other pictures in the queue are found there
  const elsewhere = (itemId: string): boolean => itemId !== selected && others.some(({ id }) => id === itemId);
  const finished = runs.filter((run) => run.finished !== null && !elsewhere(run.itemId));
  if (finished.length < 2) return null;
  return (
    <ul className={styles['chips']} aria-label="Last results">
      {finished.map((run) => (
        <li key={run.runId}>
          <button type="button" aria-pressed={run.runId === shown} className={styles['chip']} onClick={() => showRun(run.runId)}>
            {runName(run)}
          </button>
        </li>
      ))}
    </ul>
  );
}
