import { type ReactNode, useId } from 'react';
import styles from './controls.module.css';
import { useTypedNumber } from './use-typed-number.ts';

interface NumberInputProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly onChange: (value: number) => void;
  /** Buttons beside the number. */
  readonly children?: ReactNode;
}

/** The platform's spin button with a label, and beside it why a number is refused. */
export function NumberInput({ label, value, min, max, step = 1, onChange, children }: NumberInputProps) {
  const id = useId();
  const { input, refusal, refusalId } = useTypedNumber({ label, value, min, max, step, onChange });
  return (
    <div className={styles['field']}>
      <label className={styles['label']} htmlFor={id}>
        {label}
      </label>
      <div className={styles['number']}>
        <input id={id} className={styles['input']} {...input} />
        {children}
      </div>
      <Refusal id={refusalId} text={refusal} />
    </div>
  );
}

/** Why what was typed does not count, told as it happens. */
export function Refusal({ id, text }: { readonly id: string; readonly text: string | null }) {
  return (
    <p id={id} role="status" className={styles['refusal']}>
      {text}
    </p>
  );
}
