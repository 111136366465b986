import type { ReactNode } from 'react';
import { Dialog, DialogTrigger, Popover } from 'react-aria-components';
import styles from './popup.module.css';

interface PopupProps {
  /** What the dialog is called, for those who do not see it. */
  readonly label: string;
  /** The button that opens it. */
  readonly trigger: ReactNode;
  readonly children: ReactNode;
}

/** More of a thing, on a press and beside it. */
export function Popup({ label, trigger, children }: PopupProps) {
  return (
    <DialogTrigger>
      {trigger}
      <Popover className={styles['popover'] ?? ''}>
        <Dialog className={styles['dialog'] ?? ''} aria-label={label}>
          {children}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
