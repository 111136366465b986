import { useId } from 'react';
import styles from './controls.module.css';

interface TextAreaProps {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly onChange: (value: string) => void;
}

export function TextArea({ label, value, placeholder = '', onChange }: TextAreaProps) {
  const id = useId();
  return (
    <div className={styles['field']}>
      <label className={styles['label']} htmlFor={id}>
        {label}
      </label>
      <textarea
        id={id}
        className={styles['input']}
        value={value}
        placeholder={placeholder}
        rows={2}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}
