import { Label, Slider, SliderOutput, SliderThumb, SliderTrack } from 'react-aria-components';
import styles from './controls.module.css';
import { Refusal } from './number-input.tsx';
import { useTypedNumber } from './use-typed-number.ts';

interface SliderFieldProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly onChange: (value: number) => void;
  readonly labelHidden?: boolean;
  readonly disabled?: boolean;
  /** Whether the number can be typed too. */
  readonly typed?: boolean;
}

export function SliderField(props: SliderFieldProps) {
  const { label, value, min, max, step = 1, onChange, labelHidden = false, disabled = false, typed = false } = props;
  const { input, refusal, refusalId } = useTypedNumber({ label, value, min, max, step, onChange });
  return (
    <div className={styles['field']}>
      {typed && <input className={`${styles['input']} ${styles['typed']}`} aria-label={label} disabled={disabled} {...input} />}
      <Slider
        className={styles['field'] ?? ''}
        value={value}
        minValue={min}
        maxValue={max}
        step={step}
        isDisabled={disabled}
        onChange={onChange}
      >
        <div className={labelHidden ? 'visually-hidden' : styles['label']}>
          <Label>{label}</Label>
          {!typed && <SliderOutput className={styles['value'] ?? ''} />}
        </div>
        <SliderTrack className={styles['track'] ?? ''}>
          {({ state }) => (
            <>
              <div className={styles['fill']} style={{ width: `${state.getThumbPercent(0) * 100}%` }} />
              <SliderThumb className={styles['thumb'] ?? ''} />
            </>
          )}
        </SliderTrack>
      </Slider>
      {typed && <Refusal id={refusalId} text={refusal} />}
    </div>
  );
}
