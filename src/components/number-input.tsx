import type { ReactNode } from 'react';
import { Group, Input, Label, NumberField } from 'react-aria-components';
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

/** A spin button with a label. An emptied field keeps the last number. */
export function NumberInput({ label, value, min, max, step = 1, onChange, children }: NumberInputProps) {
  return (
    <NumberField
      className={styles['field'] ?? ''}
      value={value}
      minValue={min}
      maxValue={max}
      step={step}
      formatOptions={{ useGrouping: false }}
      onChange={(next) => {
        if (!Number.isNaN(next)) onChange(next);
      }}
    >
      <Label className={styles['label'] ?? ''}>{label}</Label>
      <Group className={styles['number'] ?? ''}>
        <Input className={styles['input'] ?? ''} />
        {children}
      </Group>
    </NumberField>
  );
}
