import { useEffect, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { type Message, underWay } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './messages.module.css';

/** A notice leaves by itself after so long, unless the pointer or the focus is on it; an error stays. */
const STAY_MS = 20_000;

/** What happened and what was done about it; errors are announced at once, notices in their turn. */
export function Messages() {
  const messages = useStudio((state) => state.messages);
  return (
    <div className={styles['stack']}>
      <div role="alert">
        {messages
          .filter(({ kind }) => kind === 'error')
          .map((message) => (
            <Bar key={message.id} message={message} />
          ))}
      </div>
      <div role="status" aria-label="Notices">
        {messages
          .filter(({ kind }) => kind === 'notice')
          .map((message) => (
            <Bar key={message.id} message={message} />
          ))}
      </div>
    </div>
  );
}

function Bar({ message }: { readonly message: Message }) {
  const { dismiss, putBack, takeUpdate } = useActions();
  const running = useStudio(underWay);
  const [held, setHeld] = useState(false);
  const leaves = message.kind === 'notice' && message.action !== 'update' && !held;
  useEffect(() => {
    if (!leaves) return;
    const timer = setTimeout(() => dismiss(message.id), STAY_MS);
    return () => clearTimeout(timer);
  }, [leaves, message.id, dismiss]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: no fieldset, nothing is filled in
    <div
      role="group"
      className={styles['bar']}
      data-kind={message.kind}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <p>
        {message.text} {message.kind === 'error' && <code className={styles['code']}>{message.code}</code>}
      </p>
      {message.action === 'put-back' && <Button onPress={() => void putBack()}>Undo</Button>}
      {message.action === 'update' && (
        <Button disabled={running} onPress={() => void takeUpdate()}>
          Take it
        </Button>
      )}
      {message.kind === 'error' && (
        <Button kind="plain" onPress={() => void navigator.clipboard.writeText(message.details)}>
          Copy details
        </Button>
      )}
      <Button kind="icon" label="Dismiss" onPress={() => dismiss(message.id)}>
        ×
      </Button>
    </div>
  );
}
