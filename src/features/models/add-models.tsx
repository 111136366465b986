import { useId, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { FileButton } from '../../components/file-button.tsx';
import type { GivenFile } from '../../protocol/models-api.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './models.module.css';

/** Brings other models: from a folder, files, or an address. */
export function AddModels() {
  const adding = useStudio((state) => state.shelf.adding);
  const actions = useActions();
  const [address, setAddress] = useState('');
  const [mirror, setMirror] = useState(() => actions.modelMirror() ?? '');
  const [addressId, mirrorId] = [useId(), useId()];
  return (
    <section className={styles['add']} aria-label="Add models">
      <h3 className={styles['subtitle']}>Add models</h3>
      <p className={styles['muted']}>
        A model is a folder with a manifest.json and the graphs that it names, as “rfsr export” writes it. Drop it here, choose it, or give
        the address of one. Only what you name here is asked of another site; pictures never leave this device.
      </p>
      <div className={styles['choices']}>
        <ModelPicker text="Choose a folder…" folder />
        <ModelPicker text="Choose files…" />
        {adding && <span role="status">Looking at it…</span>}
      </div>
      <form
        className={styles['address']}
        onSubmit={(event) => {
          event.preventDefault();
          if (address.trim() !== '') void actions.addModelAddress(address);
        }}
      >
        <label htmlFor={addressId}>Address</label>
        <input
          id={addressId}
          className={styles['input']}
          value={address}
          spellCheck={false}
          autoComplete="off"
          placeholder="https://… or owner/name on Hugging Face"
          onChange={(event) => setAddress(event.target.value)}
        />
        <Button disabled={adding || address.trim() === ''} onPress={() => void actions.addModelAddress(address)}>
          Load from there
        </Button>
      </form>
      <details className={styles['more']}>
        <summary>Mirror of Hugging Face</summary>
        <label htmlFor={mirrorId}>Site with the same layout, instead of huggingface.co</label>
        <input
          id={mirrorId}
          className={styles['input']}
          value={mirror}
          spellCheck={false}
          placeholder="none"
          onChange={(event) => setMirror(event.target.value)}
          onBlur={() => actions.setModelMirror(mirror)}
        />
      </details>
    </section>
  );
}

function ModelPicker({ text, folder = false }: { readonly text: string; readonly folder?: boolean }) {
  const adding = useStudio((state) => state.shelf.adding);
  const actions = useActions();
  return (
    <FileButton
      text={text}
      label={folder ? 'Model folder' : 'Model files'}
      disabled={adding}
      folder={folder}
      onChosen={(files) => {
        const given = files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
        if (given.length > 0) void actions.addModelFiles(nameOf(given, folder), given);
      }}
    />
  );
}

/** What is said to be added: the folder, the one file, or how many. */
function nameOf(given: readonly GivenFile[], folder: boolean): string {
  const path = given[0]?.path ?? '';
  if (folder) return path.split('/')[0] ?? '';
  return given.length === 1 ? path : `${given.length} files`;
}
