import { Button } from '../../components/button.tsx';
import { hasResult } from '../../store/queue.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './queue.module.css';
import { QueueRow } from './queue-row.tsx';
import { QueueSummary } from './queue-summary.tsx';
import { SaveResults } from './save-results.tsx';

/** The pictures to be run and their results. */
export function QueuePanel({ onFold }: { readonly onFold: () => void }) {
  const items = useStudio((state) => state.queue.items);
  const { clearFinished } = useActions();
  const results = items.filter(hasResult);
  return (
    <section className={styles['panel']} aria-label="Pictures">
      <h2 className="visually-hidden">Pictures</h2>
      <div className={styles['head']}>
        <QueueSummary />
        <Button kind="icon" label="Fold the pictures" onPress={onFold}>
          «
        </Button>
      </div>
      <ul className={styles['list']} aria-label="Queue">
        {items.map((item, index) => (
          <QueueRow key={item.id} item={item} first={index === 0} last={index === items.length - 1} />
        ))}
      </ul>
      {results.length > 0 && (
        <div className={styles['foot']}>
          <SaveResults />
          {results.some(({ status }) => status === 'done') && (
            <Button kind="plain" onPress={() => void clearFinished()}>
              Clear finished
            </Button>
          )}
        </div>
      )}
    </section>
  );
}
