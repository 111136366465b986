import { aboutTime } from '../../plan/words.ts';
import { runningItem, waitingItems } from '../../store/queue.ts';
import { useStudio } from '../../store/store.ts';
import { useQueueSecondsLeft } from '../../store/use-plan.ts';
import styles from './queue.module.css';

/** How far the queue is; told aloud when a picture ends, not while it runs. */
export function QueueSummary() {
  const queue = useStudio((state) => state.queue);
  const left = useQueueSecondsLeft();
  const count = (status: string): number => queue.items.filter((item) => item.status === status).length;
  const trouble = [
    ...(count('failed') > 0 ? [`${count('failed')} failed`] : []),
    ...(count('stopped') > 0 ? [`${count('stopped')} stopped`] : []),
  ];
  const under = waitingItems(queue).length > 0 || runningItem(queue) !== undefined;
  return (
    <div className={styles['summary']}>
      <p role="status">{[`${count('done')} of ${queue.items.length} done`, ...trouble].join(' · ')}</p>
      {under && left !== null && <p className={styles['left']}>{aboutTime(left)} left</p>}
    </div>
  );
}
