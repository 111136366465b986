import { type PointerEvent as ReactPointerEvent, useRef, useState } from 'react';

const HOLD_MS = 500;
/** A finger that moves less than this rests. */
const REST_PX = 8;

interface LongPress {
  /** Whether a finger has rested for a while and still does. */
  readonly held: boolean;
  /** Whether this finger, the only one, is being drawn aside. */
  aside(event: ReactPointerEvent): boolean;
  onPointerDown(event: ReactPointerEvent): void;
  onPointerMove(event: ReactPointerEvent): void;
  onPointerUp(event: ReactPointerEvent): void;
}

/** A finger on a surface: resting, or drawn aside. Up and down is the page's, to scroll. */
export function useLongPress(): LongPress {
  const [held, setHeld] = useState(false);
  const start = useRef<{ readonly x: number; readonly y: number; aside: boolean; readonly timer: number } | null>(null);
  const end = (): void => {
    if (start.current !== null) clearTimeout(start.current.timer);
    start.current = null;
    setHeld(false);
  };
  return {
    held,
    aside: ({ pointerType, isPrimary }) => pointerType === 'touch' && isPrimary && start.current?.aside === true,
    onPointerDown(event) {
      end();
      if (event.pointerType !== 'touch' || !event.isPrimary) return;
      const timer = window.setTimeout(() => setHeld(true), HOLD_MS);
      start.current = { x: event.clientX, y: event.clientY, aside: false, timer };
    },
    onPointerMove(event) {
      const from = start.current;
      if (from === null || !event.isPrimary || held) return;
      const [dx, dy] = [Math.abs(event.clientX - from.x), Math.abs(event.clientY - from.y)];
      if (Math.max(dx, dy) > REST_PX) clearTimeout(from.timer);
      if (dx > REST_PX && dx > dy) from.aside = true;
    },
    onPointerUp: end,
  };
}
