import { useEffect } from 'react';
import { allowFreeKeys, useFreeKeys } from '../components/free-keys.ts';
import { shownSteps } from '../store/compared.ts';
import { readLocal } from '../store/local-values.ts';
import { pairOf, underWay, type ViewMode } from '../store/state.ts';
import { useActions, useStudio } from '../store/store.ts';

const MODE_KEYS: Readonly<Record<string, ViewMode>> = { '1': 'split', '2': 'side', '3': 'blink', '4': 'difference' };

/** Where it is remembered whether keys are off. */
export const KEYS_STORED = 'keys';

/** Keys that work wherever the focus is not in a text field and no control wants them. */
export function useShortcuts(onHelp: () => void): void {
  const actions = useActions();
  const running = useStudio(underWay);
  const paused = useStudio((state) => state.queue.paused);
  const comparing = useStudio((state) => state.settings.compare);
  const paired = useStudio((state) => pairOf(state, state.settings.bundleId) !== null);
  const step = useStudio((state) => state.view.step);
  const last = useStudio((state) => shownSteps(state) - 1);
  const goTo = (index: number): void => {
    if (last >= 0) actions.show({ step: Math.min(last, Math.max(0, index)), playing: false });
  };
  useEffect(() => allowFreeKeys(readLocal(KEYS_STORED) !== 'off'), []);
  useFreeKeys((key) => {
    const mode = MODE_KEYS[key];
    if (mode !== undefined) actions.show({ mode });
    else if (key === 'ArrowLeft') goTo((step ?? last + 1) - 1);
    else if (key === 'ArrowRight') goTo((step ?? last) + 1);
    else if (key === 'Home') goTo(0);
    else if (key === 'End') goTo(last);
    else if (key === 'r') actions.show({ step: null, playing: false });
    else if (key === 'c' && paired) actions.change({ compare: !comparing });
    else if (key === 'Enter' && !running) void actions.upscale();
    else if (key === 'Escape' && running) void actions.cancel();
    else if (key === 'p' && running) void (paused ? actions.goOn() : actions.pause());
    else if (key === 'u') void actions.putBack();
    else if (key === '?') onHelp();
    else return false;
    return true;
  });
}
