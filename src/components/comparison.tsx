import { type CSSProperties, type PointerEvent as ReactPointerEvent, useEffect, useRef, useState } from 'react';
import { Button } from './button.tsx';
import styles from './comparison.module.css';
import { PictureCanvas, type Pixels } from './picture-canvas.tsx';
import { type Placement, useZoom } from './use-zoom.ts';

export interface Side {
  readonly image: Pixels | undefined;
  readonly name: string;
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
  /** Shown alone for as long as it is given. */
  readonly peek: Side | null;
}

const BLINK_MS = 700;

/** Two pictures of the same thing under one zoom: split by a handle, side by side, in turn, or their difference. */
export function Comparison({ before, after, difference, height, width, mode, peek }: ComparisonProps) {
  const viewport = useRef<HTMLDivElement>(null);
  const zoom = useZoom(viewport, height, width);
  const [split, setSplit] = useState(50);
  const hidden = useBlink(mode === 'blink');
  const comparing = after.image !== undefined && peek === null;
  const both = comparing && !hidden && mode !== 'difference';
  const first = peek ?? (comparing && mode === 'difference' ? difference : before);
  const splitting = both && mode === 'split';

  const onPointerMove = (event: ReactPointerEvent): void => {
    zoom.handlers.onPointerMove(event);
    if (splitting && event.pointerType === 'touch' && event.isPrimary) {
      const box = event.currentTarget.getBoundingClientRect();
      setSplit(Math.round(((event.clientX - box.left) / box.width) * 100));
    }
  };

  return (
    <div className={styles['frame']}>
      <div
        ref={viewport}
        className={styles['viewport']}
        onPointerDown={zoom.handlers.onPointerDown}
        onPointerMove={onPointerMove}
        onPointerUp={zoom.handlers.onPointerUp}
        onPointerCancel={zoom.handlers.onPointerUp}
      >
        <Layer side={first} placement={zoom.placement} height={height} width={width} half={both && mode === 'side' ? 'left' : null} />
        {both && (
          <Layer
            side={after}
            placement={zoom.placement}
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
        {!(both && mode === 'blink') && <span className={`${styles['name']} ${styles['left']}`}>{first.name}</span>}
        {both && <span className={`${styles['name']} ${styles['right']}`}>{after.name}</span>}
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
    </div>
  );
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
  readonly placement: Placement;
  readonly height: number;
  readonly width: number;
  readonly half: 'left' | 'right' | null;
  readonly clip?: string | undefined;
}

function Layer({ side, placement, height, width, half, clip }: LayerProps) {
  const style: CSSProperties = {
    width: width * placement.scale,
    height: height * placement.scale,
    transform: `translate(${placement.left}px, ${placement.top}px)`,
    // enlarged far beyond its pixels, a picture shows them as they are
    imageRendering: placement.scale * (width / (side.image?.width ?? width)) > 6 ? 'pixelated' : 'auto',
  };
  const shift = { left: styles['halfLeft'], right: styles['halfRight'] };
  return (
    <div className={`${styles['layer']} ${half === null ? '' : shift[half]}`} style={clip === undefined ? {} : { clipPath: clip }}>
      <div className={styles['picture']} style={style}>
        <PictureCanvas image={side.image} label={side.name} className={styles['canvas']} />
      </div>
    </div>
  );
}
