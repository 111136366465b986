import { aboutTime, gigabytes } from '../../plan/words.ts';
import { useStudio } from '../../store/store.ts';
import { usePlan } from '../../store/use-plan.ts';
import styles from './run-estimate.module.css';

/** What a press of Upscale will take, or why it cannot be pressed. Gives way to the progress of a run. */
export function RunEstimate() {
  const plan = usePlan();
  const running = useStudio((state) => state.progress !== null);
  if (plan === null || running) return null;
  if (plan.kind === 'refusal') {
    return (
      <p className={styles['refusal']} role="status">
        {plan.message}
      </p>
    );
  }
  const time = plan.seconds === null ? '' : ` · ${aboutTime(plan.seconds)}`;
  return (
    <p className={styles['estimate']} title={plan.reason}>
      <span>{plan.tiles}</span>
      <span>
        {gigabytes(plan.peakBytes)}
        {time}
      </span>
    </p>
  );
}
