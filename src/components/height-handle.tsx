import { type KeyboardEvent, type PointerEvent as ReactPointerEvent, useRef } from 'react';
import styles from './height-handle.module.css';

interface HeightHandleProps {
  readonly label: string;
  /** Of what lies below the handle, in CSS pixels. */
  readonly height: number;
  readonly min: number;
  readonly max: number;
  readonly onChange: (height: number) => void;
}

const KEY_STEP_PX = 24;

/** A bar that is dragged, or moved by arrow keys, to make what lies below it higher or lower. */
export function HeightHandle({ label, height, min, max, onChange }: HeightHandleProps) {
  const start = useRef<{ readonly y: number; readonly height: number } | null>(null);
  const change = (wanted: number): void => onChange(Math.round(Math.min(max, Math.max(min, wanted))));
  const onPointerDown = (event: ReactPointerEvent<HTMLElement>): void => {
    event.currentTarget.setPointerCapture(event.pointerId);
    start.current = { y: event.clientY, height };
  };
  const onPointerMove = (event: ReactPointerEvent): void => {
    if (start.current !== null) change(start.current.height + start.current.y - event.clientY);
  };
  const end = (): void => {
    start.current = null;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowUp') change(height + KEY_STEP_PX);
    else if (event.key === 'ArrowDown') change(height - KEY_STEP_PX);
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved
    <div
      className={styles['handle']}
      role="separator"
      aria-orientation="horizontal"
      aria-label={label}
      aria-valuenow={height}
      aria-valuemin={min}
      aria-valuemax={max}
      tabIndex={0}
      onPointerDown={onPointerDown}
      onPointerMove={onPointerMove}
      onPointerUp={end}
      onPointerCancel={end}
      onKeyDown={onKeyDown}
    />
  );
}
