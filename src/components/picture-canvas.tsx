import { useEffect, useRef } from 'react';

/** RGBA8 pixels, row by row: H·W·4 bytes. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly rgba8: Uint8ClampedArray<ArrayBuffer>;
}

/** A rectangle of a picture's pixels. */
export interface PixelArea {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Pixels a canvas may have: larger pictures are shown reduced, and in full only where they are looked at closely. */
export const CANVAS_PIXELS = 2 ** 22;

interface PictureCanvasProps {
  readonly image: Pixels | undefined;
  /** What it shows; without one it is decoration. */
  readonly label?: string;
  readonly className?: string | undefined;
  /** Pixels it is drawn with at most. */
  readonly pixels?: number;
  /** What its levels are multiplied by to be seen. */
  readonly gain?: number;
}

/** A picture, pixel for pixel or, where it has more than a canvas should, reduced, or nothing; its size on screen is CSS's. */
export function PictureCanvas({ image, label, className, pixels = CANVAS_PIXELS, gain = 1 }: PictureCanvasProps) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = ref.current;
    if (canvas === null) return;
    if (image === undefined) canvas.getContext('2d')?.clearRect(0, 0, canvas.width, canvas.height);
    else draw(canvas, reducedPixels(image, overviewFactor(image, pixels)));
  }, [image, pixels]);
  const meaning = label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label };
  return <canvas ref={ref} className={className} style={gain === 1 ? {} : { filter: `brightness(${gain})` }} {...meaning} />;
}

interface ChangeCanvasProps {
  readonly before: Pixels | undefined;
  readonly after: Pixels | undefined;
  readonly label: string;
  readonly className?: string | undefined;
  readonly pixels: number;
  readonly gain: number;
}

/** How far two pictures of one size are apart, level by level times `gain`, reduced; nothing where one is missing or their sizes differ. */
export function ChangeCanvas({ before, after, label, className, pixels, gain }: ChangeCanvasProps) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = ref.current;
    if (canvas === null) return;
    canvas.getContext('2d')?.clearRect(0, 0, canvas.width, canvas.height);
    if (before === undefined || after === undefined || before.height !== after.height || before.width !== after.width) return;
    const factor = overviewFactor(after, pixels);
    const [old, now] = [reducedPixels(before, factor), reducedPixels(after, factor)];
    draw(canvas, { ...now, rgba8: now.rgba8.map((level, i) => (i % 4 === 3 ? 255 : gain * Math.abs(level - (old.rgba8[i] ?? 0)))) });
  }, [before, after, pixels, gain]);
  return <canvas ref={ref} className={className} role="img" aria-label={label} />;
}

/** An area of a picture, pixel for pixel, over the same area of its overview. */
export function DetailCanvas({
  image,
  area,
  className,
}: {
  readonly image: Pixels;
  readonly area: PixelArea;
  readonly className?: string;
}) {
  const ref = useRef<HTMLCanvasElement>(null);
  const { top, left, height, width } = area;
  useEffect(() => {
    if (ref.current !== null) draw(ref.current, cutPixels(image, { top, left, height, width }));
  }, [image, top, left, height, width]);
  const share = (part: number, whole: number): string => `${(part / whole) * 100}%`;
  const style = {
    position: 'absolute',
    top: share(top, image.height),
    left: share(left, image.width),
    width: share(width, image.width),
    height: share(height, image.height),
  } as const;
  return <canvas ref={ref} className={className} style={style} aria-hidden />;
}

/** By what whole number a picture's overview is smaller than it. */
export function overviewFactor({ height, width }: Pixels, pixels = CANVAS_PIXELS): number {
  return Math.max(1, Math.ceil(Math.sqrt((height * width) / pixels)));
}

function draw(canvas: HTMLCanvasElement, { height, width, rgba8 }: Pixels): void {
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.putImageData(new ImageData(rgba8, width, height), 0, 0);
}

function cutPixels({ rgba8, width }: Pixels, area: PixelArea): Pixels {
  const cut = new Uint8ClampedArray(4 * area.height * area.width);
  for (let y = 0; y < area.height; y++) {
    const from = 4 * ((area.top + y) * width + area.left);
    cut.set(rgba8.subarray(from, from + 4 * area.width), 4 * y * area.width);
  }
  return { height: area.height, width: area.width, rgba8: cut };
}

/** Each pixel the mean of four of those it stands for: as good to the eye as the mean of all, and drawn while the picture grows. */
function reducedPixels({ height, width, rgba8 }: Pixels, factor: number): Pixels {
  if (factor === 1) return { height, width, rgba8 };
  const [rows, columns] = [Math.ceil(height / factor), Math.ceil(width / factor)];
  const reduced = new Uint8ClampedArray(4 * rows * columns);
  const step = Math.ceil(factor / 2);
  for (let y = 0; y < rows; y++) {
    const upper = y * factor * width;
    const lower = Math.min(height - 1, y * factor + step) * width;
    for (let x = 0; x < columns; x++) {
      const left = x * factor;
      const right = Math.min(width - 1, left + step);
      for (let channel = 0; channel < 4; channel++) {
        const above = (rgba8[4 * (upper + left) + channel] ?? 0) + (rgba8[4 * (upper + right) + channel] ?? 0);
        const below = (rgba8[4 * (lower + left) + channel] ?? 0) + (rgba8[4 * (lower + right) + channel] ?? 0);
        reduced[4 * (y * columns + x) + channel] = (above + below) / 4;
      }
    }
  }
  return { height: rows, width: columns, rgba8: reduced };
}
