import { type PointerEvent as ReactPointerEvent, useRef, useState } from 'react';
import type { PixelArea } from './picture-canvas.tsx';
import type { Placement } from './placement.ts';

/** Shorter drags are taken for presses. */
const LEAST_PX = 4;

export interface Selection {
  /** While it is drawn: the rectangle so far. */
  readonly drawn: PixelArea | null;
  /** Each says whether it used the event. */
  readonly handlers: {
    onPointerDown(event: ReactPointerEvent): boolean;
    onPointerMove(event: ReactPointerEvent): boolean;
    onPointerUp(event: ReactPointerEvent): boolean;
    onPointerCancel(event: ReactPointerEvent): boolean;
  };
}

/** A rectangle drawn over a picture [height, width] that lies in the viewport as `placement` says. */
export function useSelection(
  active: boolean,
  placement: Placement,
  height: number,
  width: number,
  onDrawn: (area: PixelArea) => void,
): Selection {
  /** Where the pointer that draws was put down; others are left to the caller. */
  const start = useRef<{ readonly pointerId: number; readonly x: number; readonly y: number } | null>(null);
  const [drawn, setDrawn] = useState<PixelArea | null>(null);
  const at = (event: ReactPointerEvent): { x: number; y: number } => {
    const box = event.currentTarget.getBoundingClientRect();
    const inside = (value: number, side: number): number => Math.round(Math.min(side, Math.max(0, value)));
    return {
      x: inside((event.clientX - box.left - placement.left) / placement.scale, width),
      y: inside((event.clientY - box.top - placement.top) / placement.scale, height),
    };
  };
  const between = (a: { x: number; y: number }, b: { x: number; y: number }): PixelArea => ({
    top: Math.min(a.y, b.y),
    left: Math.min(a.x, b.x),
    height: Math.abs(a.y - b.y),
    width: Math.abs(a.x - b.x),
  });
  const end = (): void => {
    start.current = null;
    setDrawn(null);
  };
  return {
    drawn,
    handlers: {
      onPointerDown(event) {
        if (!active || start.current !== null || !event.isPrimary) return false;
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { pointerId: event.pointerId, ...at(event) };
        return true;
      },
      onPointerMove(event) {
        if (start.current?.pointerId !== event.pointerId) return false;
        setDrawn(between(start.current, at(event)));
        return true;
      },
      onPointerUp(event) {
        if (start.current?.pointerId !== event.pointerId) return false;
        const area = between(start.current, at(event));
        end();
        if (Math.min(area.height, area.width) * placement.scale >= LEAST_PX) onDrawn(area);
        return true;
      },
      onPointerCancel(event) {
        if (start.current?.pointerId !== event.pointerId) return false;
        end();
        return true;
      },
    },
  };
}
