import { useEffect } from 'react';
import { Dialog, Heading, Modal } from 'react-aria-components';
import { Button } from '../components/button.tsx';
import { shownSteps } from '../store/compared.ts';
import { pairOf, underWay, type ViewMode } from '../store/state.ts';
import { useActions, useStudio } from '../store/store.ts';
import styles from './shortcuts.module.css';

const KEYS = [
  ['Space (hold)', 'show the input'],
  ['← →', 'previous, next step'],
  ['Home, End', 'first, last step'],
  ['1 2 3 4', 'split, side by side, blink, difference'],
  ['R', 'back to the result'],
  ['C', 'compare base and RFSR, or one model alone'],
  ['Enter', 'upscale, or the whole queue'],
  ['P', 'pause, go on'],
  ['Esc', 'cancel, keeping the steps taken; again: discard them'],
  ['Alt ↑ Alt ↓', 'move a picture in the queue'],
  ['Delete', 'take a picture out of the queue'],
  ['?', 'this list'],
] as const;

const MODE_KEYS: Readonly<Record<string, ViewMode>> = { '1': 'split', '2': 'side', '3': 'blink', '4': 'difference' };

/** Keys that work wherever no control wants them. */
export function useShortcuts(onHelp: () => void): void {
  const actions = useActions();
  const running = useStudio(underWay);
  const paused = useStudio((state) => state.queue.paused);
  const comparing = useStudio((state) => state.settings.compare);
  const paired = useStudio((state) => pairOf(state, state.settings.bundleId) !== null);
  const step = useStudio((state) => state.view.step);
  const last = useStudio((state) => shownSteps(state) - 1);
  useEffect(() => {
    const goTo = (index: number): void => {
      if (last >= 0) actions.show({ step: Math.min(last, Math.max(0, index)), playing: false });
    };
    const onKey = (event: KeyboardEvent): void => {
      const free = event.target === document.body && !event.ctrlKey && !event.metaKey && !event.altKey;
      if (!free) return;
      const mode = MODE_KEYS[event.key];
      if (mode !== undefined) actions.show({ mode });
      else if (event.key === 'ArrowLeft') goTo((step ?? last + 1) - 1);
      else if (event.key === 'ArrowRight') goTo((step ?? last) + 1);
      else if (event.key === 'Home') goTo(0);
      else if (event.key === 'End') goTo(last);
      else if (event.key === 'r') actions.show({ step: null, playing: false });
      else if (event.key === 'c' && paired) actions.change({ compare: !comparing });
      else if (event.key === 'Enter' && !running) void actions.upscale();
      else if (event.key === 'Escape' && running) void actions.cancel();
      else if (event.key === 'p' && running) void (paused ? actions.goOn() : actions.pause());
      else if (event.key === '?') onHelp();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [actions, running, paused, comparing, paired, step, last, onHelp]);
}

export function ShortcutsDialog({ shown, onClose }: { readonly shown: boolean; readonly onClose: () => void }) {
  return (
    <Modal className={styles['modal'] ?? ''} isOpen={shown} isDismissable onOpenChange={(open) => !open && onClose()}>
      <Dialog className={styles['dialog'] ?? ''}>
        <Heading slot="title" className={styles['title'] ?? ''}>
          Keys
        </Heading>
        <dl className={styles['list']}>
          {KEYS.map(([key, meaning]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>{meaning}</dd>
            </div>
          ))}
        </dl>
        <Button onPress={onClose}>Close</Button>
      </Dialog>
    </Modal>
  );
}
