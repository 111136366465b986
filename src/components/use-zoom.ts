import {
  type PointerEvent as ReactPointerEvent,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useFreeKeys, useHeldKey } from './free-keys.ts';
import { clampPlacement, type Extent, fitInto, type Placement, zoomAbout } from './placement.ts';

export interface Zoom {
  readonly placement: Placement;
  /** Of the viewport, in CSS pixels. */
  readonly size: Extent;
  /** Whether the picture is not simply fitted. */
  readonly zoomed: boolean;
  /** Screen pixels a picture pixel takes at 1:1 is 1; this is relative to that. */
  readonly percent: number;
  fit(): void;
  actualSize(): void;
  zoomBy(factor: number): void;
  readonly handlers: {
    onPointerDown(event: ReactPointerEvent): void;
    onPointerMove(event: ReactPointerEvent): void;
    onPointerUp(event: ReactPointerEvent): void;
  };
}

const KEY_FACTOR = 1.25;
/** How much closer the loupe's key brings the picture. */
const LOUPE_FACTOR = 4;

/**
 * Placement of a picture [height, width] in a viewport: fitted until it is zoomed; wheel, pinch and keys zoom, mouse and two-finger drags pan,
 * one finger too where it `pans`. While Z is held, the picture is closer about the pointer.
 */
export function useZoom(viewport: RefObject<HTMLElement | null>, height: number, width: number, fingerPans: boolean): Zoom {
  const [size, setSize] = useState<Extent>({ height: 0, width: 0 });
  const [chosen, setChosen] = useState<Placement | null>(null);
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  const hovered = useRef<{ readonly x: number; readonly y: number } | null>(null);

  useLayoutEffect(() => {
    const element = viewport.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setSize({ height: element.clientHeight, width: element.clientWidth }));
    observer.observe(element);
    return () => observer.disconnect();
  }, [viewport]);

  // another picture size starts fitted again
  const [shape, setShape] = useState({ height, width });
  if (shape.height !== height || shape.width !== width) {
    setShape({ height, width });
    setChosen(null);
  }

  const fitted = useMemo(() => fitInto(size, { height, width }), [size, height, width]);
  const inside = useCallback((placement: Placement) => clampPlacement(placement, size, { height, width }), [size, height, width]);
  const still = chosen === null ? fitted : inside(chosen);

  const loupe = useHeldKey('z');
  const about = hovered.current ?? { x: size.width / 2, y: size.height / 2 };
  const placement = loupe ? zoomAbout(still, LOUPE_FACTOR, about.x, about.y) : still;

  const zoomTo = useCallback(
    (factor: number, x: number, y: number) => setChosen((before) => inside(zoomAbout(before ?? fitted, factor, x, y))),
    [fitted, inside],
  );

  useEffect(() => {
    const element = viewport.current;
    if (element === null) return;
    // React's wheel listeners are passive; this one must keep the page from scrolling
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      zoomTo(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [viewport, zoomTo]);

  const zoomBy = (factor: number): void => zoomTo(factor, size.width / 2, size.height / 2);
  useFreeKeys((key) => {
    if (key === '+' || key === '=') zoomBy(KEY_FACTOR);
    else if (key === '-' || key === '−') zoomBy(1 / KEY_FACTOR);
    else if (key === '0') setChosen(null);
    else return false;
    return true;
  });

  const pan = (dx: number, dy: number): void => {
    setChosen((before) => {
      const from = before ?? fitted;
      return inside({ ...from, left: from.left + dx, top: from.top + dy });
    });
  };

  return {
    placement,
    size,
    zoomed: chosen !== null,
    percent: Math.round(placement.scale * 100 * window.devicePixelRatio),
    fit: () => setChosen(null),
    actualSize: () => zoomBy(1 / window.devicePixelRatio / still.scale),
    zoomBy,
    handlers: {
      onPointerDown(event) {
        pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (event.pointerType === 'mouse') event.currentTarget.setPointerCapture(event.pointerId);
      },
      onPointerMove(event) {
        const box = event.currentTarget.getBoundingClientRect();
        hovered.current = { x: event.clientX - box.left, y: event.clientY - box.top };
        const before = pointers.current.get(event.pointerId);
        if (before === undefined) return;
        const now = { x: event.clientX, y: event.clientY };
        const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
        pointers.current.set(event.pointerId, now);
        if (other === undefined) {
          if (event.pointerType === 'mouse' || (fingerPans && chosen !== null)) pan(now.x - before.x, now.y - before.y);
          return;
        }
        const factor = distance(now, other) / Math.max(1, distance(before, other));
        pan((now.x - before.x) / 2, (now.y - before.y) / 2);
        zoomTo(factor, (now.x + other.x) / 2 - box.left, (now.y + other.y) / 2 - box.top);
      },
      onPointerUp(event) {
        pointers.current.delete(event.pointerId);
      },
    },
  };
}

function distance(a: { x: number; y: number }, b: { x: number; y: number }): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
