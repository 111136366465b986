import type { ReactNode } from 'react';
import { Button as AriaButton } from 'react-aria-components';
import styles from './controls.module.css';

interface ButtonProps {
  /** Not needed where it opens the menu around it. */
  readonly onPress?: () => void;
  readonly children: ReactNode;
  readonly kind?: 'normal' | 'primary' | 'plain' | 'icon';
  readonly disabled?: boolean;
  /** Needed where the content is an icon. */
  readonly label?: string;
  /** Of one that switches something: whether that is on. */
  readonly pressed?: boolean;
  /** Whether it opens the menu around it. Any other does what it says, whatever dialog it stands in. */
  readonly opensMenu?: boolean;
  /** Whether it closes the dialog that it stands in. */
  readonly closes?: boolean;
}

export function Button({
  onPress,
  children,
  kind = 'normal',
  disabled = false,
  label,
  pressed,
  opensMenu = false,
  closes = false,
}: ButtonProps) {
  const extra = { normal: '', primary: styles['primary'], plain: styles['plain'], icon: `${styles['icon']} ${styles['plain']}` }[kind];
  return (
    <AriaButton
      className={`${styles['button']} ${extra}`}
      isDisabled={disabled}
      {...(opensMenu ? {} : { slot: closes ? 'close' : null })}
      {...(onPress === undefined ? {} : { onPress })}
      {...(label === undefined ? {} : { 'aria-label': label })}
      {...(pressed === undefined ? {} : { 'aria-pressed': pressed })}
    >
      {children}
    </AriaButton>
  );
}
