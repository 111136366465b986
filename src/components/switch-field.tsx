import { Switch } from 'react-aria-components';
import styles from './controls.module.css';

interface SwitchFieldProps {
  readonly label: string;
  readonly selected: boolean;
  readonly onChange: (selected: boolean) => void;
}

export function SwitchField({ label, selected, onChange }: SwitchFieldProps) {
  return (
    <Switch className={styles['switch'] ?? ''} isSelected={selected} onChange={onChange}>
      <span className={styles['switchTrack']} aria-hidden />
      {label}
    </Switch>
  );
}
