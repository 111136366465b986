import { type ChangeEvent, type InputHTMLAttributes, useId, useState } from 'react';

interface Range {
  /** What it is called in the sentence that refuses what was typed. */
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly onChange: (value: number) => void;
}

/** Of a number field: its attributes, and why what was typed is refused. */
export interface TypedNumber {
  readonly input: InputHTMLAttributes<HTMLInputElement>;
  readonly refusal: string | null;
  readonly refusalId: string;
}

/** What is typed counts as it is typed, once it is a number that can be. What cannot be is refused as a whole, not cut down to what could. */
export function useTypedNumber({ label, value, min, max, step, onChange }: Range): TypedNumber {
  const [typed, setTyped] = useState<string | null>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  /** What counted before anything was typed. */
  const [kept, setKept] = useState(value);
  const refusalId = useId();

  const change = ({ target }: ChangeEvent<HTMLInputElement>): void => {
    setTyped(target.value);
    if (!target.validity.badInput && numberIn(target.value, min, max, step) !== null) {
      setRefusal(null);
      onChange(Number(target.value));
    } else {
      // a beginning of it may have counted already
      if (value !== kept) onChange(kept);
      setRefusal(`${label} is a ${Number.isInteger(step) ? 'whole ' : ''}number from ${min} to ${max}. It stays ${kept}.`);
    }
  };

  return {
    refusal,
    refusalId,
    input: {
      type: 'number',
      inputMode: Number.isInteger(step) ? 'numeric' : 'decimal',
      value: typed ?? value,
      min,
      max,
      step,
      onFocus: () => {
        setKept(value);
        setRefusal(null);
      },
      onChange: change,
      onBlur: () => setTyped(null),
      'aria-invalid': refusal !== null,
      ...(refusal === null ? {} : { 'aria-describedby': refusalId }),
    },
  };
}

/** A text's number where it is one in range, and a whole one where steps are; else null. */
export function numberIn(text: string, min: number, max: number, step: number): number | null {
  const number = Number(text);
  const whole = Number.isInteger(number) || !Number.isInteger(step);
  return text.trim() !== '' && number >= min && number <= max && whole ? number : null;
}
