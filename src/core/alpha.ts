import type { Extent } from './area.ts';
import { hasAlpha, type Rgba8 } from './picture.ts';
import { type PictureSource, pictureSource, resized } from './sources.ts';

/** Alpha below this says little of a colour: in pictures that were once premultiplied, it is the error of rounding. */
const VISIBLE_FROM = 16;
const FAR = 2 ** 16 - 1;

/**
 * A picture whose hidden pixels (alpha below 16) have the colour of the visible pixel nearest to them, counted in steps along rows and
 * columns. Alpha stays. What resamples colour and alpha apart then draws no fringe of hidden colour. Two passes over the pixels; gives the
 * picture itself where nothing, or everything, is hidden. What is more than 65 534 steps from anything visible keeps its colour.
 */
export function padBehindAlpha<Picture extends Rgba8>(picture: Picture): Picture {
  const { height, width } = picture;
  const stepsAway = new Uint16Array(height * width);
  let hidden = 0;
  for (let i = 0; i < stepsAway.length; i++) {
    if ((picture.rgba8[4 * i + 3] ?? 0) >= VISIBLE_FROM) continue;
    stepsAway[i] = FAR;
    hidden++;
  }
  if (hidden === 0 || hidden === stepsAway.length) return picture;
  const rgba8 = picture.rgba8.slice();
  /** Takes the neighbour's colour where that comes from nearer. */
  const take = (i: number, neighbour: number): void => {
    const steps = (stepsAway[neighbour] ?? FAR) + 1;
    if (steps >= (stepsAway[i] ?? 0)) return;
    stepsAway[i] = steps;
    rgba8[4 * i] = rgba8[4 * neighbour] ?? 0;
    rgba8[4 * i + 1] = rgba8[4 * neighbour + 1] ?? 0;
    rgba8[4 * i + 2] = rgba8[4 * neighbour + 2] ?? 0;
  };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (x > 0) take(i, i - 1);
      if (y > 0) take(i, i - width);
    }
  }
  for (let y = height - 1, i = stepsAway.length - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--, i--) {
      if (x < width - 1) take(i, i + 1);
      if (y < height - 1) take(i, i + width);
    }
  }
  return { ...picture, rgba8 };
}

/** Of the hidden pixels with hidden neighbours at the left and above, so many have a colour of their own where alpha is no transparency. */
const OWN_COLOURS = 1 / 16;

/**
 * Whether a picture's alpha is a mask, as in the textures of games, and no transparency: what it hides is a picture too. Programs that make
 * things transparent leave one colour there, or repeat their neighbours.
 */
export function alphaIsMask({ height, width, rgba8 }: Rgba8): boolean {
  const colours = new Uint32Array(rgba8.buffer, rgba8.byteOffset, height * width);
  // the highest byte of a little-endian pixel is its alpha
  const hidden = (i: number): boolean => (colours[i] ?? 0) >>> 24 === 0;
  let [looked, own] = [0, 0];
  for (let y = 1, i = width; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (x === 0 || !hidden(i) || !hidden(i - 1) || !hidden(i - width)) continue;
      looked++;
      if (colours[i] !== colours[i - 1] && colours[i] !== colours[i - width]) own++;
    }
  }
  return looked > 0 && own > OWN_COLOURS * looked;
}

/** What a picture's alpha is by its looks; null where all is opaque. */
export function alphaLook(picture: Rgba8): 'transparency' | 'mask' | null {
  if (!hasAlpha(picture)) return null;
  return alphaIsMask(picture) ? 'mask' : 'transparency';
}

/** Binomial weights, a deviation of one pixel. */
const SMOOTHING = [1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16] as const;
/** What is inside stays this far inside, or as far outside: thin lines and single pixels do not melt away. */
const INSIDE = 0.6;
const CORRECTIONS = 16;
const CORRECTION_GAIN = 1.5;
/** What may be missing of that. */
const CORRECTED = 0.02;
/** Output pixels over which an outline goes from nothing to all. */
const EDGE_PIXELS = 1.25;
/** Of a straight edge through SMOOTHING at its steepest, a pixel's share of the whole. */
const STEEPEST = 0.4;

/**
 * The alpha of a picture at another size, computed where it is read; colour means nothing in it. Soft alpha is enlarged bicubically. Where alpha
 * is all or nothing, that would enlarge the stairs of its outline; there the outline is that of the smoothed mask, as sharp as the output allows.
 */
export function enlargedAlpha(picture: Rgba8, to: Extent): PictureSource {
  const scale = Math.min(to.height / picture.height, to.width / picture.width);
  if (scale <= 1 || !isHard(picture)) return resized(pictureSource(picture), to, 'bicubic');
  const smooth = resized(pictureSource(smoothed(picture)), to, 'bicubic');
  const gain = Math.max(1, scale / (STEEPEST * EDGE_PIXELS));
  const { height, width } = to;
  return { height, width, read: async (area) => steepened(await smooth.read(area), gain) };
}

/** Whether alpha is 0 or 255 and nothing between. */
function isHard({ rgba8 }: Rgba8): boolean {
  for (let i = 3; i < rgba8.length; i += 4) if (rgba8[i] !== 0 && rgba8[i] !== 255) return false;
  return true;
}

/** A picture's hard alpha smoothed, every pixel on its own side of the middle. */
function smoothed({ height, width, rgba8 }: Rgba8): Rgba8 {
  const mask = new Float32Array(height * width);
  for (let i = 0; i < mask.length; i++) mask[i] = (rgba8[4 * i + 3] ?? 0) / 255;
  const pushed = mask.slice();
  let field = blurred(pushed, height, width);
  for (let correction = 0; correction < CORRECTIONS; correction++) {
    let worst = 0;
    for (let i = 0; i < mask.length; i++) {
      const inside = mask[i] === 1;
      const missing = inside ? Math.max(0, INSIDE - (field[i] ?? 0)) : Math.min(0, 1 - INSIDE - (field[i] ?? 0));
      pushed[i] = (pushed[i] ?? 0) + CORRECTION_GAIN * missing;
      worst = Math.max(worst, Math.abs(missing));
    }
    if (worst < CORRECTED) break;
    field = blurred(pushed, height, width);
  }
  const out = rgba8.slice();
  for (let i = 0; i < field.length; i++) out[4 * i + 3] = 255 * (field[i] ?? 0);
  return { height, width, rgba8: out };
}

function blurred(plane: Float32Array, height: number, width: number): Float32Array {
  const columns = alongRows(transposed(plane, height, width), width, height);
  return alongRows(transposed(columns, width, height), height, width);
}

/** SMOOTHING along every row, the ends repeated. */
function alongRows(plane: Float32Array, height: number, width: number): Float32Array {
  const out = new Float32Array(plane.length);
  const last = width - 1;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let tap = 0; tap < SMOOTHING.length; tap++)
        sum += (SMOOTHING[tap] ?? 0) * (plane[row + Math.max(0, Math.min(last, x + tap - 2))] ?? 0);
      out[row + x] = sum;
    }
  }
  return out;
}

function transposed(plane: Float32Array, height: number, width: number): Float32Array {
  const out = new Float32Array(plane.length);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) out[x * height + y] = plane[y * width + x] ?? 0;
  return out;
}

function steepened(picture: Rgba8, gain: number): Rgba8 {
  const { rgba8 } = picture;
  for (let i = 3; i < rgba8.length; i += 4) rgba8[i] = 127.5 + gain * ((rgba8[i] ?? 0) - 127.5);
  return picture;
}
