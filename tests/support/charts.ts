import type { Image8 } from '../../src/protocol/request.ts';

const PATCHES = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 0],
  [0, 255, 255],
  [255, 0, 255],
  [128, 64, 192],
  [20, 230, 120],
] as const;

/** Saturated patches of 8 pixels, each with lines one pixel wide in another patch's colour: what subsampled colour cannot hold. */
export function colourChart(height: number, width: number): Image8 {
  return painted(height, width, (y, x) => {
    const patch = Math.floor(y / 8) * 3 + Math.floor(x / 8);
    const detail = y % 8 < 4 ? x % 2 : y % 2;
    const [r = 0, g = 0, b = 0] = PATCHES[(patch + 3 * detail) % PATCHES.length] ?? [];
    return [r, g, b, 255];
  });
}

/** What a chain must not smear: red and blue columns and rows of one pixel, and thin black strokes on white like those of letters. */
export function fineChart(height: number, width: number): Image8 {
  return painted(height, width, (y, x) => {
    const line = y % 96 < 32 ? x : y;
    if (y % 96 < 64) return line % 2 === 0 ? [255, 0, 0, 255] : [0, 0, 255, 255];
    const off = Math.abs(((x + 0.4 * y) % 9) - 4);
    const value = x % 23 === 0 || y % 11 === 0 ? 0 : Math.round(255 * Math.min(1, off));
    return [value, value, value, 255];
  });
}

/** Colours that change slowly: what lossy formats hold well. */
export function softPicture(height: number, width: number): Image8 {
  return painted(height, width, (y, x) => [40 + (170 * x) / width, 200 - (150 * y) / height, 90 + (60 * (x + y)) / (width + height), 255]);
}

/** Thin strokes of one colour on nothing, their edges antialiased, black behind what is transparent. */
export function strokes(height: number, width: number, colour: readonly [number, number, number]): Image8 {
  return painted(height, width, (y, x) => {
    const off = Math.abs(((x + 0.6 * y) % 12) - 6);
    const alpha = Math.round(255 * Math.min(1, Math.max(0, 1.5 - off)));
    return alpha === 0 ? [0, 0, 0, 0] : [...colour, alpha];
  });
}

function painted(height: number, width: number, colour: (y: number, x: number) => readonly number[]): Image8 {
  const rgba8 = new Uint8ClampedArray(4 * height * width);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rgba8.set(colour(y, x), 4 * (y * width + x));
  return { height, width, rgba8 };
}
