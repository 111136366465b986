import type { ReactNode } from 'react';
import { Button as AriaButton } from 'react-aria-components';
import styles from './controls.module.css';

interface ButtonProps {
  readonly onPress: () => void;
  readonly children: ReactNode;
  readonly kind?: 'normal' | 'primary' | 'plain' | 'icon';
  readonly disabled?: boolean;
  /** Needed where the content is an icon. */
  readonly label?: string;
}

export function Button({ onPress, children, kind = 'normal', disabled = false, label }: ButtonProps) {
  const extra = { normal: '', primary: styles['primary'], plain: styles['plain'], icon: `${styles['icon']} ${styles['plain']}` }[kind];
  return (
    <AriaButton
      className={`${styles['button']} ${extra}`}
      // does what it says, whatever dialog it stands in
      slot={null}
      isDisabled={disabled}
      onPress={onPress}
      {...(label === undefined ? {} : { 'aria-label': label })}
    >
      {children}
    </AriaButton>
  );
}
