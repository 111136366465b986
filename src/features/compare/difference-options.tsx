import { SelectField } from '../../components/select-field.tsx';
import type { DifferenceBand } from '../../protocol/studio-api.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './viewer.module.css';

const BANDS: readonly { readonly value: DifferenceBand; readonly text: string }[] = [
  { value: 'whole', text: 'Whole' },
  { value: 'low', text: 'Low band' },
  { value: 'high', text: 'High band' },
];

const SIGNS: readonly { readonly value: 'absolute' | 'signed'; readonly text: string }[] = [
  { value: 'absolute', text: 'Absolute' },
  { value: 'signed', text: 'Signed' },
];

/** Of what the difference is taken, and whether its sign shows. */
export function DifferenceOptions() {
  const { band, signed } = useStudio((state) => state.view.difference);
  const { show } = useActions();
  return (
    <span className={styles['options']}>
      <SelectField
        label="Difference of"
        labelHidden
        value={band}
        options={BANDS}
        onChange={(chosen) => show({ difference: { band: chosen, signed } })}
      />
      <SelectField
        label="Difference as"
        labelHidden
        value={signed ? 'signed' : 'absolute'}
        options={SIGNS}
        onChange={(chosen) => show({ difference: { band, signed: chosen === 'signed' } })}
      />
    </span>
  );
}
