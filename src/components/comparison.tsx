import { type CSSProperties, type ReactNode, type PointerEvent as ReactPointerEvent, useEffect, useRef, useState } from 'react';
import { Button } from './button.tsx';
import styles from './comparison.module.css';
import { CANVAS_PIXELS, DetailCanvas, overviewFactor, PictureCanvas, type PixelArea, type Pixels } from './picture-canvas.tsx';
import type { Placement } from './placement.ts';
import { useLongPress } from './use-long-press.ts';
import { useSelection } from './use-selection.ts';
import { useZoom, type Zoom } from './use-zoom.ts';

export interface Side {
  readonly image: Pixels | undefined;
  readonly name: string;
  /** What its levels are multiplied by to be seen. */
  readonly gain?: number;
}

interface ComparisonProps {
  readonly before: Side;
  /** Without an image only `before` is shown. */
  readonly after: Side;
  /** What the mode "difference" shows. */
  readonly difference: Side;
  /** Size both are shown at, in picture pixels. */
  readonly height: number;
  readonly width: number;
  readonly mode: 'split' | 'side' | 'blink' | 'difference';
  /** Shown alone while it is asked for, or a finger rests on the picture. */
  readonly input: Side;
  readonly peeking: boolean;
  /** A rectangle shown over the picture, in its pixels; while `drawing`, a drag draws another. */
  readonly selection: {
    readonly area: PixelArea | null;
    readonly drawing: boolean;
    readonly onDrawn: (area: PixelArea) => void;
  };
  /** Controls below the picture. */
  readonly children: ReactNode;
}

const BLINK_MS = 700;

/** Screen pixels a pixel of the result takes, from which on it is shown as a square. */
const PIXELS_FROM = 6;

/** Two pictures of the same thing under one zoom: split by a handle, side by side, in turn, or their difference. */
export function Comparison({ before, after, difference, height, width, mode, input, peeking, selection, children }: ComparisonProps) {
  const viewport = useRef<HTMLDivElement>(null);
  const zoom = useZoom(viewport, height, width, mode !== 'split' || after.image === undefined);
  const [split, setSplit] = useState(50);
  const hidden = useBlink(mode === 'blink');
  const press = useLongPress();
  const showsInput = peeking || press.held;
  const comparing = after.image !== undefined && !showsInput;
  const both = comparing && !hidden && mode !== 'difference';
  const first = showsInput ? input : comparing && mode === 'difference' ? difference : before;
  const splitting = both && mode === 'split';

  const { drawn, handlers } = useSelection(selection.drawing, zoom.placement, height, width, selection.onDrawn);

  const onPointerMove = (event: ReactPointerEvent): void => {
    if (handlers.onPointerMove(event)) return;
    zoom.handlers.onPointerMove(event);
    press.onPointerMove(event);
    if (splitting && press.aside(event)) {
      const box = event.currentTarget.getBoundingClientRect();
      setSplit(Math.round(((event.clientX - box.left) / box.width) * 100));
    }
  };

  return (
    <div className={styles['frame']}>
      <div
        ref={viewport}
        className={styles['viewport']}
        data-drawing={selection.drawing}
        data-zoomed={zoom.zoomed}
        onPointerDown={(event) => {
          if (handlers.onPointerDown(event)) return;
          zoom.handlers.onPointerDown(event);
          press.onPointerDown(event);
        }}
        onPointerMove={onPointerMove}
        onPointerUp={(event) => {
          press.onPointerUp(event);
          if (!handlers.onPointerUp(event)) zoom.handlers.onPointerUp(event);
        }}
        onPointerCancel={(event) => {
          press.onPointerUp(event);
          if (!handlers.onPointerCancel(event)) zoom.handlers.onPointerUp(event);
        }}
      >
        <Layer side={first} zoom={zoom} height={height} width={width} half={both && mode === 'side' ? 'left' : null} />
        {both && (
          <Layer
            side={after}
            zoom={zoom}
            height={height}
            width={width}
            half={mode === 'side' ? 'right' : null}
            clip={splitting ? `inset(0 0 0 ${split}%)` : undefined}
          />
        )}
        {splitting && (
          <>
            <div className={styles['line']} style={{ left: `${split}%` }} aria-hidden />
            <input
              className={styles['handle']}
              type="range"
              aria-label="Compare"
              aria-valuetext={`${split} % ${before.name}`}
              min={0}
              max={100}
              value={split}
              onPointerDown={(event) => event.stopPropagation()}
              onChange={(event) => setSplit(Number(event.target.value))}
            />
          </>
        )}
        <SelectionFrame area={drawn ?? selection.area} placement={zoom.placement} />
        {!(both && mode === 'blink') && <span className={`${styles['name']} ${styles['left']}`}>{nameOf(first)}</span>}
        {both && <span className={`${styles['name']} ${styles['right']}`}>{nameOf(after)}</span>}
      </div>
      <div className={styles['zoom']}>
        <Button kind="plain" onPress={() => zoom.zoomBy(1 / 1.25)} label="Zoom out">
          −
        </Button>
        <output className={styles['percent']} aria-label="Zoom">
          {zoom.percent} %
        </output>
        <Button kind="plain" onPress={() => zoom.zoomBy(1.25)} label="Zoom in">
          +
        </Button>
        <Button kind="plain" onPress={zoom.fit}>
          Fit
        </Button>
        <Button kind="plain" onPress={zoom.actualSize}>
          1:1
        </Button>
      </div>
      <div className={styles['bar']}>{children}</div>
    </div>
  );
}

function nameOf({ name, gain = 1 }: Side): string {
  return gain === 1 ? name : `${name} ×${gain}`;
}

/** While asked for: true and false in turn. */
function useBlink(active: boolean): boolean {
  const [hidden, setHidden] = useState(false);
  useEffect(() => {
    if (!active) return;
    const timer = setInterval(() => setHidden((before) => !before), BLINK_MS);
    return () => {
      clearInterval(timer);
      setHidden(false);
    };
  }, [active]);
  return hidden;
}

interface LayerProps {
  readonly side: Side;
  readonly zoom: Zoom;
  readonly height: number;
  readonly width: number;
  readonly half: 'left' | 'right' | null;
  readonly clip?: string | undefined;
}

function Layer({ side, zoom, height, width, half, clip }: LayerProps) {
  const { placement } = zoom;
  const { image } = side;
  const style: CSSProperties = {
    width: width * placement.scale,
    height: height * placement.scale,
    transform: `translate(${placement.left}px, ${placement.top}px)`,
    // enlarged far beyond the result's pixels, pictures show them as they are; the input's own would flatter the result
    imageRendering: placement.scale > PIXELS_FROM ? 'pixelated' : 'auto',
    ...(side.gain === undefined || side.gain === 1 ? {} : { filter: `brightness(${side.gain})` }),
  };
  const shift = { left: styles['halfLeft'], right: styles['halfRight'] };
  const detail = image === undefined ? null : detailOf(image, zoom, width, half);
  return (
    <div className={`${styles['layer']} ${half === null ? '' : shift[half]}`} style={clip === undefined ? {} : { clipPath: clip }}>
      <div className={`${styles['picture']} ${image === undefined ? '' : styles['checks']}`} style={style}>
        <PictureCanvas image={image} label={side.name} className={styles['canvas']} />
        {image !== undefined && detail !== null && <DetailCanvas image={image} area={detail} />}
      </div>
    </div>
  );
}

/** What is in sight of a picture whose overview is coarser than the screen shows it; null where the overview will do. */
function detailOf(image: Pixels, { placement, size }: Zoom, width: number, half: LayerProps['half']): PixelArea | null {
  const factor = overviewFactor(image);
  const scale = placement.scale * (width / image.width);
  if (factor === 1 || scale * window.devicePixelRatio * factor <= 1) return null;
  // beside another, a picture lies a quarter of the viewport to the left
  const offset = placement.left - (half === null ? 0 : size.width / 4);
  const top = Math.max(0, Math.floor(-placement.top / scale));
  const left = Math.max(0, Math.floor(-offset / scale));
  const bottom = Math.min(image.height, Math.ceil((size.height - placement.top) / scale));
  const right = Math.min(image.width, Math.ceil((size.width - offset) / scale));
  const area = { top, left, height: bottom - top, width: right - left };
  const shown = area.height > 0 && area.width > 0 && area.height * area.width <= CANVAS_PIXELS;
  return shown ? area : null;
}

/** The selected rectangle, what is outside of it dimmed. */
function SelectionFrame({ area, placement }: { readonly area: PixelArea | null; readonly placement: Placement }) {
  if (area === null) return null;
  const style = {
    top: placement.top + area.top * placement.scale,
    left: placement.left + area.left * placement.scale,
    width: area.width * placement.scale,
    height: area.height * placement.scale,
  };
  return <div className={styles['selection']} style={style} aria-hidden />;
}
