import { useId } from 'react';
import styles from './controls.module.css';

interface SelectFieldProps<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly options: readonly { readonly value: T; readonly text: string }[];
  readonly onChange: (value: T) => void;
  readonly labelHidden?: boolean;
}

/** The platform's own combobox: the best one on phones. */
export function SelectField<T extends string>({ label, value, options, onChange, labelHidden = false }: SelectFieldProps<T>) {
  const id = useId();
  return (
    <div className={styles['field']}>
      <label className={labelHidden ? 'visually-hidden' : styles['label']} htmlFor={id}>
        {label}
      </label>
      <select
        id={id}
        className={styles['input']}
        value={value}
        onChange={(event) => {
          const chosen = options.find((option) => option.value === event.target.value);
          if (chosen !== undefined) onChange(chosen.value);
        }}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.text}
          </option>
        ))}
      </select>
    </div>
  );
}
