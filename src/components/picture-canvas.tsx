import { useEffect, useRef } from 'react';

/** RGBA8 pixels, row by row: H·W·4 bytes. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly rgba8: Uint8ClampedArray<ArrayBuffer>;
}

interface PictureCanvasProps {
  readonly image: Pixels | undefined;
  /** What it shows; without one it is decoration. */
  readonly label?: string;
  readonly className?: string | undefined;
}

/** A picture, pixel for pixel; its size on screen is CSS's. */
export function PictureCanvas({ image, label, className }: PictureCanvasProps) {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const canvas = ref.current;
    if (canvas === null || image === undefined) return;
    canvas.width = image.width;
    canvas.height = image.height;
    canvas.getContext('2d')?.putImageData(new ImageData(image.rgba8, image.width, image.height), 0, 0);
  }, [image]);
  const meaning = label === undefined ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label };
  return <canvas ref={ref} className={className} {...meaning} />;
}
