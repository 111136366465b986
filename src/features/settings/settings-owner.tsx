import { Button } from '../../components/button.tsx';
import { editable, selectedItem, waitingItems } from '../../store/queue.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './settings-panel.module.css';

/** Whose settings the panel shows, where there is more than one picture, and a way to give them to all. */
export function SettingsOwner() {
  const several = useStudio((state) => state.queue.items.length > 1);
  const item = useStudio((state) => selectedItem(state.queue));
  const waiting = useStudio((state) => waitingItems(state.queue).length);
  const { applyToWaiting } = useActions();
  if (!several || item === undefined) return null;
  return (
    <div className={styles['owner']}>
      <p>
        {editable(item) ? 'Settings of ' : 'For running it again: '}
        <b>{item.name}</b>
      </p>
      <p className={styles['hint']}>“Upscale all” runs each picture with its own settings.</p>
      <Button onPress={applyToWaiting} disabled={waiting === 0}>
        Apply to all waiting ({waiting})
      </Button>
    </div>
  );
}
