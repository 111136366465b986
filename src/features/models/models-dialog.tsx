import { useEffect, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog, DialogTitle } from '../../components/dialog.tsx';
import { droppedFiles } from '../../components/dropped-files.ts';
import { sizeWords } from '../../protocol/words.ts';
import { useActions, useStudio } from '../../store/store.ts';
import { AddModels } from './add-models.tsx';
import { ModelRow } from './model-row.tsx';
import styles from './models.module.css';
import { Notes } from './notes.tsx';

/** The models of this device: where each is from, what it takes and needs, and whatever can be done with them. */
export function ModelsDialog({ onClose }: { readonly onClose: () => void }) {
  const { shelf, notes } = useStudio((state) => state.shelf);
  const actions = useActions();
  const [over, setOver] = useState(false);
  useEffect(() => void actions.openShelf(), [actions]);
  return (
    <Dialog className={styles['dialog']} onClose={onClose}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: files are chosen by its buttons too */}
      <div
        className={styles['drop']}
        data-over={over}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void droppedFiles(event.dataTransfer).then(({ files, paths }) => {
            const given = files.map((file, i) => ({ path: paths[i] ?? file.name, file }));
            return actions.addModelFiles(given[0]?.path.split('/').find((part) => part !== '') ?? 'what was dropped', given);
          });
        }}
      >
        <header className={styles['head']}>
          <DialogTitle>Models</DialogTitle>
          <Room />
          <Button kind="icon" label="Close" onPress={onClose}>
            ×
          </Button>
        </header>
        <Notes notes={notes.filter(({ id }) => id === null)} />
        {shelf === null && <p className={styles['muted']}>Looking…</p>}
        <ul className={styles['list']} aria-label="Models of this device">
          {shelf?.models.map((model) => (
            <ModelRow key={model.id} model={model} />
          ))}
        </ul>
        {shelf !== null && shelf.declined.length > 0 && (
          <section aria-label="Models that cannot be used">
            <h3 className={styles['subtitle']}>Cannot be used</h3>
            <ul className={styles['declined']}>
              {shelf.declined.map(({ id, reason }) => (
                <li key={id}>
                  <strong>{id}</strong>: {reason}
                </li>
              ))}
            </ul>
          </section>
        )}
        <AddModels />
      </div>
    </Dialog>
  );
}

/** The room that models take, and what of it is taken for nothing. */
function Room() {
  const shelf = useStudio((state) => state.shelf.shelf);
  const { tidyModels } = useActions();
  if (shelf === null) return <span className={styles['room']} />;
  const { usedBytes, quotaBytes, needlessBytes } = shelf;
  return (
    <div className={styles['room']}>
      {usedBytes !== null && quotaBytes !== null && (
        <span>
          {sizeWords(usedBytes)} used, {sizeWords(Math.max(0, quotaBytes - usedBytes))} free
        </span>
      )}
      {needlessBytes > 0 && <Button onPress={() => void tidyModels()}>Free {sizeWords(needlessBytes)} of no model</Button>}
    </div>
  );
}
