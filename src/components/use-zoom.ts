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

export interface Placement {
  /** CSS pixels a picture pixel takes. */
  readonly scale: number;
  readonly left: number;
  readonly top: number;
}

export interface Zoom {
  readonly placement: Placement;
  /** Of the viewport, in CSS pixels. */
  readonly size: { readonly height: number; readonly width: number };
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

const MIN_SCALE = 0.05;
const MAX_SCALE = 16;

/**
 * Placement of a picture [height, width] in a viewport: fitted until it is zoomed; wheel and pinch zoom about the pointer, mouse and
 * two-finger drags pan. One finger is left to the caller.
 */
export function useZoom(viewport: RefObject<HTMLElement | null>, height: number, width: number): Zoom {
  const [size, setSize] = useState({ height: 0, width: 0 });
  const [chosen, setChosen] = useState<Placement | null>(null);
  const pointers = useRef(new Map<number, { x: number; y: number }>());

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

  const fitted = useMemo(() => fitInto(size, height, width), [size, height, width]);
  const placement = chosen ?? fitted;

  const zoomAbout = useCallback(
    (factor: number, x: number, y: number) => {
      setChosen((before) => {
        const from = before ?? fitted;
        const scale = Math.min(MAX_SCALE, Math.max(MIN_SCALE, from.scale * factor));
        const ratio = scale / from.scale;
        return { scale, left: x - (x - from.left) * ratio, top: y - (y - from.top) * ratio };
      });
    },
    [fitted],
  );

  useEffect(() => {
    const element = viewport.current;
    if (element === null) return;
    // React's wheel listeners are passive; this one must keep the page from scrolling
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      zoomAbout(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [viewport, zoomAbout]);

  const pan = (dx: number, dy: number): void => {
    setChosen((before) => {
      const from = before ?? fitted;
      return { ...from, left: from.left + dx, top: from.top + dy };
    });
  };

  return {
    placement,
    size,
    percent: Math.round(placement.scale * 100 * window.devicePixelRatio),
    fit: () => setChosen(null),
    actualSize: () => zoomAbout(1 / window.devicePixelRatio / placement.scale, size.width / 2, size.height / 2),
    zoomBy: (factor) => zoomAbout(factor, size.width / 2, size.height / 2),
    handlers: {
      onPointerDown(event) {
        pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
        if (event.pointerType === 'mouse') event.currentTarget.setPointerCapture(event.pointerId);
      },
      onPointerMove(event) {
        const before = pointers.current.get(event.pointerId);
        if (before === undefined) return;
        const now = { x: event.clientX, y: event.clientY };
        const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
        pointers.current.set(event.pointerId, now);
        if (other === undefined) {
          if (event.pointerType === 'mouse') pan(now.x - before.x, now.y - before.y);
          return;
        }
        const box = event.currentTarget.getBoundingClientRect();
        const factor = distance(now, other) / Math.max(1, distance(before, other));
        pan((now.x - before.x) / 2, (now.y - before.y) / 2);
        zoomAbout(factor, (now.x + other.x) / 2 - box.left, (now.y + other.y) / 2 - box.top);
      },
      onPointerUp(event) {
        pointers.current.delete(event.pointerId);
      },
    },
  };
}

function fitInto(size: { height: number; width: number }, height: number, width: number): Placement {
  if (size.width === 0 || width === 0) return { scale: 1, left: 0, top: 0 };
  const scale = Math.min(size.width / width, size.height / height);
  return { scale, left: (size.width - width * scale) / 2, top: (size.height - height * scale) / 2 };
}

function distance(a: { x: number; y: number }, b: { x: number; y: number }): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
