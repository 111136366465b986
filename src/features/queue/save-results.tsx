import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { saveFile } from '../../components/save-file.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './queue.module.css';

/** Of the browsers that have it; not in TypeScript's library. */
type FolderPicker = (options: { readonly mode: 'readwrite' }) => Promise<FileSystemDirectoryHandle>;

/** All results as one ZIP file, or each into a folder as it comes, where the browser can. */
export function SaveResults() {
  const folder = useStudio((state) => state.folder);
  const [packing, setPacking] = useState(false);
  const { saveAll, saveInto } = useActions();
  const pick = (window as { readonly showDirectoryPicker?: FolderPicker }).showDirectoryPicker;
  const zip = async (): Promise<void> => {
    setPacking(true);
    const file = await saveAll();
    if (file !== null) saveFile(file.blob, file.name);
    setPacking(false);
  };
  const choose = async (): Promise<void> => {
    // closing the picker is an answer too
    const chosen = await pick?.({ mode: 'readwrite' }).catch(() => null);
    if (chosen != null) await saveInto(chosen);
  };
  return (
    <>
      <Button onPress={() => void zip()} disabled={packing}>
        {packing ? 'Packing…' : 'Save all (ZIP)'}
      </Button>
      {pick !== undefined && <Button onPress={() => void choose()}>{folder === null ? 'Into a folder…' : 'Another folder…'}</Button>}
      {folder !== null && <p className={styles['folder']}>Results go into “{folder}” as they come.</p>}
    </>
  );
}
