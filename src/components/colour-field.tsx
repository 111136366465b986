import { useId } from 'react';
import styles from './controls.module.css';

interface ColourFieldProps {
  readonly label: string;
  /** As `#rrggbb`. */
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** The platform's own choice of a colour. */
export function ColourField({ label, value, onChange }: ColourFieldProps) {
  const id = useId();
  return (
    <div className={styles['field']}>
      <label className={styles['label']} htmlFor={id}>
        {label}
      </label>
      <input id={id} type="color" className={styles['colour']} value={value} onChange={(event) => onChange(event.target.value)} />
    </div>
  );
}
