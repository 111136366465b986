import { useEffect, useRef, useState } from 'react';

/** What takes letters and digits for itself. */
const TEXT = 'input:not([type=range], [type=checkbox], [type=radio], [type=file], [type=button]), textarea, select, [contenteditable=true]';
/** What has keys of its own while it is open. */
const OVERLAYS = '[role=dialog], [role=alertdialog], [role=menu], [role=listbox]';
/** What is moved by keys. */
const MOVED = 'input[type=range], [role=tab], [role=separator]';
const MOVING_KEYS = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End', 'PageUp', 'PageDown'];
/** What is pressed by keys. */
const PRESSED = 'button, a, summary, [role=button], input[type=checkbox], input[type=radio]';
const PRESSING_KEYS = ['Enter', ' '];

/** Whether the focus is where it is by pointer: whoever clicked a button did not ask for Enter and Space to press it again. */
let byPointer = false;
if (typeof window !== 'undefined') {
  window.addEventListener('pointerdown', () => (byPointer = true), true);
  window.addEventListener('keydown', ({ key }) => (byPointer &&= key !== 'Tab'), true);
}

/** Turns shortcuts of single keys on or off for the whole page. */
export function allowFreeKeys(allowed: boolean): void {
  document.documentElement.dataset['keys'] = allowed ? 'on' : 'off';
}

/** Whether a key is the page's: the focus is in no text field, nothing is open over the page, and what has the focus does not use it. */
export function isFree(event: KeyboardEvent): boolean {
  const { target, key } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || document.documentElement.dataset['keys'] === 'off') return false;
  if (!(target instanceof Element)) return true;
  if (target.matches(TEXT) || target.closest(OVERLAYS) !== null || document.querySelector('[role=dialog]') !== null) return false;
  if (MOVING_KEYS.includes(key)) return !target.matches(MOVED);
  if (PRESSING_KEYS.includes(key)) return byPointer || target.closest(PRESSED) === null;
  return true;
}

/** A key's name, whether or not Caps Lock is on. */
export function keyName({ key }: KeyboardEvent): string {
  return key.length === 1 ? key.toLowerCase() : key;
}

/** Hears of free keys, before what has the focus does. What the handler says it used goes no further. */
export function useFreeKeys(onKey: (key: string, event: KeyboardEvent) => boolean): void {
  const latest = useRef(onKey);
  latest.current = onKey;
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (!isFree(event) || !latest.current(keyName(event), event)) return;
      event.preventDefault();
      event.stopPropagation();
    };
    window.addEventListener('keydown', listen, true);
    return () => window.removeEventListener('keydown', listen, true);
  }, []);
}

/** Whether a free key is held. Losing the window lets go of it. */
export function useHeldKey(held: string): boolean {
  const [down, setDown] = useState(false);
  useFreeKeys((key) => {
    if (key !== held) return false;
    setDown(true);
    return true;
  });
  useEffect(() => {
    const onKeyUp = (event: KeyboardEvent): void => {
      if (keyName(event) === held) setDown(false);
    };
    const letGo = (): void => setDown(false);
    window.addEventListener('keyup', onKeyUp, true);
    window.addEventListener('blur', letGo);
    document.addEventListener('visibilitychange', letGo);
    return () => {
      window.removeEventListener('keyup', onKeyUp, true);
      window.removeEventListener('blur', letGo);
      document.removeEventListener('visibilitychange', letGo);
    };
  }, [held]);
  return down;
}
