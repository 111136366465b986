import type { ShelfNote } from '../../store/state.ts';
import styles from './models.module.css';

/** What came of what was asked for; errors are announced at once. */
export function Notes({ notes }: { readonly notes: readonly ShelfNote[] }) {
  const told = (kind: ShelfNote['kind']) =>
    notes
      .filter((note) => note.kind === kind)
      .map(({ text }) => (
        <p key={text} className={styles['note']} data-kind={kind}>
          {text}
        </p>
      ));
  return (
    <>
      <div role="alert">{told('error')}</div>
      <div role="status">{told('notice')}</div>
    </>
  );
}
