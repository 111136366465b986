import { type KeyboardEvent, useRef } from 'react';
import { flushSync } from 'react-dom';
import { Button } from '../../components/button.tsx';
import controls from '../../components/controls.module.css';
import { type QueueItem, resultSize } from '../../store/queue.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './queue.module.css';

interface QueueRowProps {
  readonly item: QueueItem;
  readonly first: boolean;
  readonly last: boolean;
}

/** A picture of the queue: a press shows it, and what can be done with it. */
export function QueueRow({ item, first, last }: QueueRowProps) {
  const { id, name, thumbnail, status } = item;
  const selected = useStudio((state) => state.queue.selectedId === id);
  const { select, move, remove, runAgain, skip } = useActions();
  const text = statusText(item);
  const row = useRef<HTMLLIElement>(null);
  const moveBy = (by: number): void => keepingFocus(() => move(id, by));
  const takeOut = (): void => handingFocusOn(row.current, () => void remove(id));
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey && event.key === 'ArrowUp') moveBy(-1);
    else if (event.altKey && event.key === 'ArrowDown') moveBy(1);
    else if (event.key === 'Delete') takeOut();
    else return;
    event.preventDefault();
  };
  return (
    <li ref={row} className={styles['row']} aria-label={`${name}, ${text}`} data-selected={selected} data-status={status}>
      <button
        type="button"
        className={styles['pick']}
        aria-current={selected}
        aria-keyshortcuts="Alt+ArrowUp Alt+ArrowDown Delete"
        onClick={() => void select(id)}
        onKeyDown={onKeyDown}
      >
        {thumbnail === null ? <span className={styles['thumb']} /> : <img className={styles['thumb']} src={thumbnail} alt="" />}
        <span className={styles['words']}>
          <span className={styles['name']}>{name}</span>
          <span className={styles['status']}>{text}</span>
          {status === 'running' && <ItemBar />}
        </span>
      </button>
      {(selected || status === 'failed') && (
        <div className={styles['tools']}>
          {(status === 'failed' || status === 'stopped') && (
            <Button kind="plain" label={`Retry ${name}`} onPress={() => void runAgain(id)}>
              Retry
            </Button>
          )}
          {status === 'done' && (
            <Button kind="plain" label={`Run again ${name}`} onPress={() => void runAgain(id)}>
              Run again
            </Button>
          )}
          {status === 'running' && (
            <Button kind="plain" label={`Stop ${name}`} onPress={() => void skip()}>
              Stop
            </Button>
          )}
          <span className={styles['gap']} />
          <Button kind="icon" label={`Move ${name} up`} disabled={first} onPress={() => moveBy(-1)}>
            ↑
          </Button>
          <Button kind="icon" label={`Move ${name} down`} disabled={last} onPress={() => moveBy(1)}>
            ↓
          </Button>
          <Button kind="icon" label={`Remove ${name}`} onPress={takeOut}>
            ×
          </Button>
        </div>
      )}
    </li>
  );
}

/** How far the run under way is. */
function ItemBar() {
  const run = useStudio((state) => state.runs.find(({ runId }) => runId === state.progress?.laneIds[0]));
  const share = run === undefined ? 0 : run.steps.length / run.count;
  return (
    <span className={controls['bar']}>
      <span className={`${controls['barFill']} ${styles['fill']}`} style={{ width: `${share * 100}%` }} />
    </span>
  );
}

function statusText(item: QueueItem): string {
  const { status, settings, failure } = item;
  const size = resultSize(item);
  switch (status) {
    case 'waiting':
      return `waiting · ×${settings.scale}, ${settings.steps} steps`;
    case 'running':
      return 'running';
    case 'done':
      return size === null ? 'done' : `done · ${size.width}×${size.height}`;
    case 'failed':
      return `failed: ${failure?.text ?? ''}`;
    case 'stopped':
      return 'stopped';
    default:
      throw status satisfies never;
  }
}

/** A row that is moved takes the focus along, which the browser takes from it. */
function keepingFocus(change: () => void): void {
  const focused = document.activeElement;
  flushSync(change);
  if (focused instanceof HTMLElement) focused.focus();
}

/** The button that opens pictures, whether one is in the viewer or none. */
const OPEN_BUTTON = '[aria-label="Picture file"] + button';

/** A row that goes leaves the focus to the one after it, else to the one before, and the last to what opens pictures. */
function handingFocusOn(row: HTMLElement | null, change: () => void): void {
  const near = row?.nextElementSibling ?? row?.previousElementSibling;
  flushSync(change);
  const heir = near?.isConnected === true ? near.querySelector('button') : document.querySelector<HTMLElement>(OPEN_BUTTON);
  heir?.focus();
}
