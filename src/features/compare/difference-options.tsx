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

const GAINS = [1, 2, 4, 8, 16].map((gain) => ({ value: String(gain), text: `×${gain}` }));

/** Of what the difference is taken, whether its sign shows, and how much it is magnified. */
export function DifferenceOptions() {
  const { band, signed, gain } = useStudio((state) => state.view.difference);
  const { show } = useActions();
  return (
    <span className={styles['options']}>
      <SelectField
        label="Difference of"
        labelHidden
        value={band}
        options={BANDS}
        onChange={(chosen) => show({ difference: { band: chosen, signed, gain } })}
      />
      <SelectField
        label="Difference as"
        labelHidden
        value={signed ? 'signed' : 'absolute'}
        options={SIGNS}
        onChange={(chosen) => show({ difference: { band, signed: chosen === 'signed', gain } })}
      />
      <SelectField
        label="Difference times"
        labelHidden
        value={String(gain)}
        options={GAINS}
        onChange={(chosen) => show({ difference: { band, signed, gain: Number(chosen) } })}
      />
    </span>
  );
}
