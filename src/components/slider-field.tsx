import { Label, Slider, SliderOutput, SliderThumb, SliderTrack } from 'react-aria-components';
import styles from './controls.module.css';

interface SliderFieldProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly onChange: (value: number) => void;
  readonly labelHidden?: boolean;
  readonly disabled?: boolean;
}

export function SliderField({ label, value, min, max, step = 1, onChange, labelHidden = false, disabled = false }: SliderFieldProps) {
  return (
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
        <SliderOutput className={styles['value'] ?? ''} />
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
  );
}
