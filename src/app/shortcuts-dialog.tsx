import { useEffect, useState } from 'react';
import { Button } from '../components/button.tsx';
import { Dialog, DialogTitle } from '../components/dialog.tsx';
import { allowFreeKeys } from '../components/free-keys.ts';
import { SwitchField } from '../components/switch-field.tsx';
import { readLocal, writeLocal } from '../store/local-values.ts';
import styles from './shortcuts.module.css';
import { KEYS_STORED } from './shortcuts.ts';

const KEYS = [
  ['Space (hold)', 'show the input'],
  ['Z (hold)', 'look closely, where the pointer is'],
  ['+ − 0', 'zoom in, out, fit'],
  ['← →', 'previous, next step'],
  ['Home, End', 'first, last step'],
  ['1 2 3 4', 'split, side by side, blink, difference'],
  ['R', 'back to the result'],
  ['C', 'compare base and RFSR, or one model alone'],
  ['Enter', 'upscale, or the whole queue'],
  ['P', 'pause, go on'],
  ['Esc', 'cancel, keeping the steps taken; again: discard them'],
  ['U', 'put back what was removed last'],
  ['Alt ↑ Alt ↓', 'move a picture in the queue'],
  ['Delete', 'take a picture out of the queue'],
  ['?', 'this list'],
] as const;

/** Lists the keys, and turns them off and on. */
export function ShortcutsDialog({ onClose }: { readonly onClose: () => void }) {
  const [allowed, setAllowed] = useState(() => readLocal(KEYS_STORED) !== 'off');
  useEffect(() => {
    allowFreeKeys(allowed);
    writeLocal(KEYS_STORED, allowed ? 'on' : 'off');
  }, [allowed]);
  return (
    <Dialog className={styles['dialog']} onClose={onClose}>
      <DialogTitle>Keys</DialogTitle>
      <dl className={styles['list']}>
        {KEYS.map(([key, meaning]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <p className={styles['note']}>They work wherever the focus is not in a text field. A slider keeps its arrow keys.</p>
      <SwitchField label="Use these keys" selected={allowed} onChange={setAllowed} />
      <Button onPress={onClose}>Close</Button>
    </Dialog>
  );
}
