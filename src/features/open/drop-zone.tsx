import { type ReactNode, useEffect, useRef, useState } from 'react';
import { type Dropped, droppedFiles } from '../../components/dropped-files.ts';
import { FileButton } from '../../components/file-button.tsx';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './drop-zone.module.css';

const ACCEPT = 'image/png,image/jpeg,image/webp,image/avif,image/tiff,image/gif,image/bmp';

const SAMPLES = [
  { path: './samples/cat.jpg', name: 'cat.jpg', text: 'Cat' },
  { path: './samples/astronaut.jpg', name: 'astronaut.jpg', text: 'Astronaut' },
] as const;

/** The place of the picture: takes pastes and drops anywhere in the window, and invites to them while it is empty. */
export function DropZone({ children }: { readonly children: ReactNode }) {
  const { status, name } = useStudio((state) => state.picture);
  const actions = useActions();
  const take = (files: readonly File[]): void => {
    const [file, ...more] = files;
    if (more.length > 0) void actions.add(files);
    else if (file !== undefined) void actions.drop(file, file.name || 'pasted picture');
  };
  usePaste(take);
  const over = useDrop(({ files, unreadable }) => {
    if (unreadable > 0) actions.tellUnreadable(unreadable);
    if (files.length === 0 || unreadable > 0) void actions.add(files);
    else take(files);
  });

  return (
    <section className={`${styles['zone']} ${over ? styles['over'] : ''}`} aria-label="Image">
      {status === 'empty' && <Invitation />}
      {status === 'loading' && (
        <p className={styles['opening']} role="status">
          Opening “{name}”…
        </p>
      )}
      {status === 'ready' && children}
    </section>
  );
}

function Invitation() {
  const actions = useActions();
  return (
    <div className={styles['invitation']}>
      <p className={styles['lead']}>Makes small or worn pictures up to four times larger, and shows how, step by step.</p>
      <h2 className={styles['title']}>Drop pictures or a folder, paste one, or choose files</h2>
      <div className={styles['choices']}>
        <FilePicker text="Choose files" primary />
        <FilePicker text="Choose a folder" folder />
      </div>
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
  /** Whether it asks for a folder instead of files. */
  readonly folder?: boolean;
}

/** Chooses files. One picture is opened at once, more make a queue. */
export function FilePicker({ text, primary = false, folder = false }: FilePickerProps) {
  const actions = useActions();
  return (
    <FileButton
      text={text}
      label={folder ? 'Picture folder' : 'Picture file'}
      kind={primary ? 'primary' : 'plain'}
      folder={folder}
      accept={ACCEPT}
      onChosen={(files) => {
        const [file, ...more] = files;
        if (folder || more.length > 0) void actions.add(files);
        else if (file !== undefined) void actions.open(file, file.name);
      }}
    />
  );
}

function usePaste(onPictures: (files: readonly File[]) => void): void {
  const latest = useRef(onPictures);
  latest.current = onPictures;
  useEffect(() => {
    const onPaste = (event: ClipboardEvent): void => {
      latest.current([...(event.clipboardData?.files ?? [])].filter(({ type }) => type.startsWith('image/')));
    };
    window.addEventListener('paste', onPaste);
    return () => window.removeEventListener('paste', onPaste);
  }, []);
}

/** Takes files dropped anywhere in the window, but where something else takes them; gives whether some are dragged over it. */
function useDrop(onDropped: (dropped: Dropped) => void): boolean {
  const latest = useRef(onDropped);
  latest.current = onDropped;
  const [over, setOver] = useState(false);
  useEffect(() => {
    const onDrag = (event: DragEvent): void => {
      const ours = !event.defaultPrevented && event.dataTransfer?.types.includes('Files') === true;
      setOver(ours && event.type === 'dragover');
      if (!ours) return;
      event.preventDefault();
      if (event.type === 'drop') void droppedFiles(event.dataTransfer).then((dropped) => latest.current(dropped));
    };
    const onDragLeave = (event: DragEvent): void => {
      // of the window, not of something in it
      if (event.relatedTarget === null) setOver(false);
    };
    window.addEventListener('dragover', onDrag);
    window.addEventListener('drop', onDrag);
    window.addEventListener('dragleave', onDragLeave);
    return () => {
      window.removeEventListener('dragover', onDrag);
      window.removeEventListener('drop', onDrag);
      window.removeEventListener('dragleave', onDragLeave);
    };
  }, []);
  return over;
}
