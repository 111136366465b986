import { type ReactNode, useId, useState } from 'react';
import styles from './controls.module.css';

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

/** The platform's spin button with a label. What is typed counts once it is a number in range, and a whole one where steps are; leaving the field shows what counts. */
export function NumberInput({ label, value, min, max, step = 1, onChange, children }: NumberInputProps) {
  const id = useId();
  const [typed, setTyped] = useState<string | null>(null);
  const change = (text: string): void => {
    setTyped(text);
    const number = Number(text);
    const whole = Number.isInteger(number) || !Number.isInteger(step);
    if (text.trim() !== '' && number >= min && number <= max && whole) onChange(number);
  };
  return (
    <div className={styles['field']}>
      <label className={styles['label']} htmlFor={id}>
        {label}
      </label>
      <div className={styles['number']}>
        <input
          id={id}
          className={styles['input']}
          type="number"
          value={typed ?? value}
          min={min}
          max={max}
          step={step}
          onChange={(event) => change(event.target.value)}
          onBlur={() => setTyped(null)}
        />
        {children}
      </div>
    </div>
  );
}
