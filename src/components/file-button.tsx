import { useRef } from 'react';
import { Button } from './button.tsx';

// React's types do not know it
const FOLDER_INPUT: object = { webkitdirectory: '' };

interface FileButtonProps {
  readonly text: string;
  /** Of the input behind the button. */
  readonly label: string;
  readonly kind?: 'normal' | 'primary' | 'plain';
  readonly disabled?: boolean;
  /** Whether it asks for a folder instead of files. */
  readonly folder?: boolean;
  /** The kinds of file that are offered, as of an input; all where nothing is said. */
  readonly accept?: string;
  readonly onChosen: (files: readonly File[]) => void;
}

/** A file input behind a button. */
export function FileButton({ text, label, kind = 'normal', disabled = false, folder = false, accept = '', onChosen }: FileButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        className="visually-hidden"
        type="file"
        tabIndex={-1}
        accept={accept}
        aria-label={label}
        multiple
        {...(folder ? FOLDER_INPUT : {})}
        onChange={(event) => {
          onChosen([...(event.target.files ?? [])]);
          // choosing the same file again is a choice too
          event.target.value = '';
        }}
      />
      <Button kind={kind} disabled={disabled} onPress={() => input.current?.click()}>
        {text}
      </Button>
    </>
  );
}
