import { Button } from '../../components/button.tsx';
import type { Message } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './messages.module.css';

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
  const { dismiss } = useActions();
  return (
    <div className={styles['bar']} data-kind={message.kind}>
      <p>
        {message.text} {message.kind === 'error' && <code className={styles['code']}>{message.code}</code>}
      </p>
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
