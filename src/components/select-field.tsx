import { useId } from 'react';
import styles from './controls.module.css';

interface SelectFieldProps<T extends string> {
  readonly label: string;
  readonly value: T;
  /** In a group each, or in none; those of a group stand together. */
  readonly options: readonly { readonly value: T; readonly text: string; readonly group?: string }[];
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
        {[...new Set(options.map(({ group }) => group))].map((group) =>
          group === undefined ? (
            <Options key="" options={options.filter((option) => option.group === undefined)} />
          ) : (
            <optgroup key={group} label={group}>
              <Options options={options.filter((option) => option.group === group)} />
            </optgroup>
          ),
        )}
      </select>
    </div>
  );
}

function Options({ options }: { readonly options: readonly { readonly value: string; readonly text: string }[] }) {
  return options.map(({ value, text }) => (
    <option key={value} value={value}>
      {text}
    </option>
  ));
}
