import { SelectField } from '../../components/select-field.tsx';
import { SliderField } from '../../components/slider-field.tsx';
import { SwitchField } from '../../components/switch-field.tsx';
import type { Mix } from '../../protocol/recipe.ts';
import { RANGES } from '../../protocol/request.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './analysis.module.css';

const FIRST: Mix = { low: 'base', high: 'rfsr', gain: 1 };

const LOW_OPTIONS: readonly { readonly value: Mix['low']; readonly text: string }[] = [
  { value: 'input', text: 'Input' },
  { value: 'base', text: 'Base' },
  { value: 'rfsr', text: 'RFSR' },
];

const HIGH_OPTIONS: readonly { readonly value: Mix['high']; readonly text: string }[] = [
  { value: 'base', text: 'Base' },
  { value: 'rfsr', text: 'RFSR' },
];

/** Fidelity against detail, on the finished pair: whose low band, whose high band, and how much of it. */
export function Mixer() {
  const mix = useStudio((state) => state.view.mix);
  const { show } = useActions();
  const change = (changes: Partial<Mix>): void => show({ mix: { ...(mix ?? FIRST), ...changes }, step: null });
  return (
    <section className={styles['mixer']} aria-label="Mixer">
      <SwitchField
        label="Mix the bands of the pair"
        selected={mix !== null}
        onChange={(on) => show({ mix: on ? FIRST : null, step: null })}
      />
      {mix !== null && (
        <>
          <SelectField label="Low band of" value={mix.low} options={LOW_OPTIONS} onChange={(low) => change({ low })} />
          <SelectField label="High band of" value={mix.high} options={HIGH_OPTIONS} onChange={(high) => change({ high })} />
          <SliderField label="High band gain" value={mix.gain} {...RANGES.gain} step={0.05} onChange={(gain) => change({ gain })} />
        </>
      )}
    </section>
  );
}
