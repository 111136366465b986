import { type ReactNode, useEffect, useRef } from 'react';
import { Button } from './button.tsx';
import styles from './confirm.module.css';

interface ConfirmProps {
  readonly text: string;
  /** What the button says that confirms. */
  readonly action: string;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
  /** What is chosen with it. */
  readonly children?: ReactNode;
}

/** Asks before something is done, in the platform's own dialog. */
export function Confirm({ text, action, onConfirm, onClose, children }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} role="alertdialog" aria-label="Confirm" className={styles['dialog']} onClose={onClose}>
      <p>{text}</p>
      {children}
      <div className={styles['row']}>
        <Button onPress={onClose}>Not now</Button>
        <Button kind="primary" onPress={onConfirm}>
          {action}
        </Button>
      </div>
    </dialog>
  );
}
