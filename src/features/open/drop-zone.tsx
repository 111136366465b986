import { type DragEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './drop-zone.module.css';

const ACCEPT = 'image/png,image/jpeg,image/webp,image/avif,image/gif,image/bmp';

const SAMPLES = [
  { path: './samples/cat.jpg', name: 'cat.jpg', text: 'Cat' },
  { path: './samples/astronaut.jpg', name: 'astronaut.jpg', text: 'Astronaut' },
] as const;

/** The place of the picture: takes drops, pastes and chosen files always, and invites to them while it is empty. */
export function DropZone({ children }: { readonly children: ReactNode }) {
  const status = useStudio((state) => state.picture.status);
  const busy = useStudio((state) => state.progress !== null);
  const actions = useActions();
  const [over, setOver] = useState(false);
  usePaste((file) => void actions.drop(file, file.name || 'pasted picture'));

  const onDrop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file !== undefined && !busy) void actions.drop(file, file.name);
  };

  return (
    <section
      className={`${styles['zone']} ${over ? styles['over'] : ''}`}
      aria-label="Image"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      {status === 'ready' ? children : <Invitation loading={status === 'loading'} />}
    </section>
  );
}

function Invitation({ loading }: { readonly loading: boolean }) {
  const actions = useActions();
  return (
    <div className={styles['invitation']} aria-busy={loading}>
      <h2 className={styles['title']}>Drop a picture, paste one, or choose a file</h2>
      <FilePicker text="Choose a file" primary />
      <div className={styles['samples']}>
        <span>or try</span>
        {SAMPLES.map(({ path, name, text }) => (
          <button key={path} type="button" className={styles['sample']} onClick={() => void actions.openSample(path, name)}>
            <img src={path} alt="" width={96} height={72} />
            {text}
          </button>
        ))}
      </div>
      <p className={styles['note']}>Pictures never leave this device.</p>
      <p className={styles['note']}>
        Mini models come with the studio and run anywhere. They are a few million parameters: they sharpen small pictures, they do not
        invent what a full-size model would.
      </p>
    </div>
  );
}

interface FilePickerProps {
  readonly text: string;
  readonly primary?: boolean;
}

/** A file input behind a button. */
export function FilePicker({ text, primary = false }: FilePickerProps) {
  const actions = useActions();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        className="visually-hidden"
        type="file"
        tabIndex={-1}
        accept={ACCEPT}
        aria-label="Picture file"
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file !== undefined) void actions.open(file, file.name);
          // choosing the same file again is a choice too
          event.target.value = '';
        }}
      />
      <Button kind={primary ? 'primary' : 'plain'} onPress={() => input.current?.click()}>
        {text}
      </Button>
    </>
  );
}

function usePaste(onPicture: (file: File) => void): void {
  const latest = useRef(onPicture);
  latest.current = onPicture;
  useEffect(() => {
    const onPaste = (event: ClipboardEvent): void => {
      const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'));
      if (file !== undefined) latest.current(file);
    };
    window.addEventListener('paste', onPaste);
    return () => window.removeEventListener('paste', onPaste);
  }, []);
}
