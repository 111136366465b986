import { type DragEvent, useRef } from 'react';
import { Button } from '../../components/button.tsx';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './analysis.module.css';

/** Takes the picture that the result should be, dropped or chosen; steps are measured against it. */
export function ReferencePicker() {
  const reference = useStudio((state) => state.reference);
  const { setReference } = useActions();
  const input = useRef<HTMLInputElement>(null);
  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    const file = event.dataTransfer.files[0];
    if (file !== undefined) void setReference(file);
  };
  return (
    <section className={styles['reference']} aria-label="Reference" onDragOver={(event) => event.preventDefault()} onDrop={onDrop}>
      <input
        ref={input}
        className="visually-hidden"
        type="file"
        tabIndex={-1}
        accept="image/*"
        aria-label="Reference file"
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file !== undefined) void setReference(file);
          event.target.value = '';
        }}
      />
      {reference === null ? (
        <p className={styles['hint']}>Drop the true picture here to measure how close each band comes to it.</p>
      ) : (
        <p className={styles['hint']}>
          Reference: <b>{reference.name}</b>
        </p>
      )}
      <div className={styles['row']}>
        <Button onPress={() => input.current?.click()}>{reference === null ? 'Choose a reference' : 'Change'}</Button>
        {reference !== null && (
          <Button kind="plain" onPress={() => void setReference(null)}>
            Remove
          </Button>
        )}
      </div>
    </section>
  );
}
