import type { ReactNode } from 'react';
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from 'react-aria-components';
import styles from './dialog.module.css';

interface DialogProps {
  readonly onClose: () => void;
  /** Begins with a DialogTitle, which names it. */
  readonly children: ReactNode;
  /** How its parts lie, and how wide it is. */
  readonly className: string | undefined;
}

/** A window over the page; Escape closes it, and a press beside it. */
export function Dialog({ onClose, children, className = '' }: DialogProps) {
  return (
    <ModalOverlay className={styles['overlay'] ?? ''} isOpen isDismissable onOpenChange={(open) => !open && onClose()}>
      <Modal className={styles['modal'] ?? ''}>
        <AriaDialog className={`${styles['dialog']} ${className}`}>{children}</AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

export function DialogTitle({ children }: { readonly children: string }) {
  return (
    <Heading slot="title" className={styles['title'] ?? ''}>
      {children}
    </Heading>
  );
}
