import { type Area, checkInside, type Extent, wholeArea } from './area.ts';
import type { Tensor } from './tensor.ts';

/** RGBA8 pixels, row by row, alpha not premultiplied: H·W·4 bytes; and where it has them, the same in 16 bits. */
export interface Rgba8 {
  readonly height: number;
  readonly width: number;
  readonly rgba8: Uint8ClampedArray<ArrayBuffer>;
  readonly rgba16?: Uint16Array<ArrayBuffer>;
}

/** Colour of a picture as planes [1, 3, H, W], value · gain + offset with value in 0…1. Alpha is left out. */
export function toPlanes({ height, width, rgba8 }: Rgba8, gain = 1, offset = 0): Tensor {
  const plane = height * width;
  const data = new Float32Array(3 * plane);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < plane; i++) data[channel * plane + i] = ((rgba8[4 * i + channel] ?? 0) / 255) * gain + offset;
  }
  return { dims: [1, 3, height, width], data };
}

/** Planes rgb01 [1, 3, H, W] to an opaque picture: clamped to 0…1, scaled by 255, rounded to nearest (halves to even, as torch). */
export function toPicture({ dims, data }: Tensor): Rgba8 {
  const [, channels = 0, height = 0, width = 0] = dims;
  if (channels !== 3) throw new RangeError(`expected planes [1, 3, H, W], got [${dims.join(', ')}]`);
  const plane = height * width;
  // Uint8ClampedArray clamps and rounds half to even by definition
  const rgba8 = new Uint8ClampedArray(4 * plane);
  for (let i = 0; i < plane; i++) {
    for (let channel = 0; channel < 3; channel++) rgba8[4 * i + channel] = (data[channel * plane + i] ?? 0) * 255;
    rgba8[4 * i + 3] = 255;
  }
  return { height, width, rgba8 };
}

/** Planes rgb01 [1, 3, H, W] as opaque RGBA of 16 bits: H·W·4 values, clamped to 0…1, scaled by 65535, rounded. */
export function toRgba16({ dims, data }: Tensor): Uint16Array<ArrayBuffer> {
  const [, channels = 0, height = 0, width = 0] = dims;
  if (channels !== 3) throw new RangeError(`expected planes [1, 3, H, W], got [${dims.join(', ')}]`);
  const plane = height * width;
  const rgba16 = new Uint16Array(4 * plane).fill(65535);
  for (let i = 0; i < plane; i++) {
    for (let channel = 0; channel < 3; channel++) {
      rgba16[4 * i + channel] = Math.round(Math.min(1, Math.max(0, data[channel * plane + i] ?? 0)) * 65535);
    }
  }
  return rgba16;
}

/** An area of a picture, sharing no memory, in 8 bits. Throws RangeError for one that is not inside. */
export function cropPicture(picture: Rgba8, area: Area): Rgba8 {
  checkInside(area, picture);
  const { top, left, height, width } = area;
  const rgba8 = new Uint8ClampedArray(4 * height * width);
  for (let y = 0; y < height; y++) {
    const from = 4 * ((top + y) * picture.width + left);
    rgba8.set(picture.rgba8.subarray(from, from + 4 * width), 4 * y * width);
  }
  return { height, width, rgba8 };
}

/**
 * A picture continued at the right and bottom up to a size by its mirror image, edge pixels repeated, again and again where it is smaller than
 * what is missing, in 8 bits. The picture itself where nothing is. Throws RangeError for a smaller size.
 */
export function mirrored(picture: Rgba8, to: Extent): Rgba8 {
  if (to.height === picture.height && to.width === picture.width) return picture;
  checkInside(wholeArea(picture), to);
  const from = new Uint32Array(picture.rgba8.buffer, picture.rgba8.byteOffset, picture.height * picture.width);
  const pixels = new Uint32Array(to.height * to.width);
  for (let y = 0; y < to.height; y++) {
    const row = reflect(y, picture.height) * picture.width;
    for (let x = 0; x < to.width; x++) pixels[y * to.width + x] = from[row + reflect(x, picture.width)] ?? 0;
  }
  return { ...to, rgba8: new Uint8ClampedArray(pixels.buffer) };
}

/** The index within a length that stands for one beyond it. */
function reflect(index: number, length: number): number {
  const within = index % (2 * length);
  return within < length ? within : 2 * length - 1 - within;
}

/** Pictures of one width below each other, in 8 bits. Throws RangeError for none, or for other widths. */
export function stackRows(parts: readonly Rgba8[]): Rgba8 {
  const [first] = parts;
  if (first === undefined || parts.some(({ width }) => width !== first.width)) throw new RangeError('expected pictures of one width');
  if (parts.length === 1) return first;
  const rgba8 = new Uint8ClampedArray(parts.reduce((bytes, part) => bytes + part.rgba8.length, 0));
  let filled = 0;
  for (const part of parts) {
    rgba8.set(part.rgba8, filled);
    filled += part.rgba8.length;
  }
  return { height: parts.reduce((rows, { height }) => rows + height, 0), width: first.width, rgba8 };
}

/** A picture that is filled from top to bottom, transparent where it is not yet. */
export function emptyPicture({ height, width }: Extent, depth: 8 | 16 = 8): Rgba8 {
  const picture = { height, width, rgba8: new Uint8ClampedArray(4 * height * width) };
  return depth === 8 ? picture : { ...picture, rgba16: new Uint16Array(4 * height * width) };
}

/** Writes rows of the same width into a picture, from row `top`. Throws RangeError where they do not fit. */
export function pasteRows(whole: Rgba8, top: number, rows: Rgba8): void {
  checkInside({ top, left: 0, height: rows.height, width: rows.width }, whole);
  if (rows.width !== whole.width) throw new RangeError(`expected rows ${whole.width} wide, got ${rows.width}`);
  whole.rgba8.set(rows.rgba8, 4 * top * whole.width);
  if (rows.rgba16 !== undefined) whole.rgba16?.set(rows.rgba16, 4 * top * whole.width);
}

/** Whether any pixel is not opaque. */
export function hasAlpha({ rgba8 }: Rgba8): boolean {
  for (let i = 3; i < rgba8.length; i += 4) if (rgba8[i] !== 255) return true;
  return false;
}

/** A picture without colour: what the eye sees of its light (Rec. 709) in red, green and blue. */
export function toGrey(picture: Rgba8): Rgba8 {
  const { height, width, rgba8, rgba16 } = picture;
  const grey = { height, width, rgba8: rgba8.slice() };
  spreadLight(grey.rgba8);
  if (rgba16 === undefined) return grey;
  const levels = rgba16.slice();
  spreadLight(levels);
  return { ...grey, rgba16: levels };
}

function spreadLight(levels: Uint8ClampedArray | Uint16Array): void {
  for (let i = 0; i < levels.length; i += 4) {
    levels.fill(Math.round(0.2126 * (levels[i] ?? 0) + 0.7152 * (levels[i + 1] ?? 0) + 0.0722 * (levels[i + 2] ?? 0)), i, i + 3);
  }
}

/** Whether red, green and blue of every pixel are equal, in all the bits there are. */
export function isGrey({ rgba8, rgba16 }: Rgba8): boolean {
  const levels = rgba16 ?? rgba8;
  for (let i = 0; i < levels.length; i += 4) if (levels[i] !== levels[i + 1] || levels[i] !== levels[i + 2]) return false;
  return true;
}

/** `picture` with the alpha of `source`, which has the same size. */
export function withAlpha(picture: Rgba8, source: Rgba8): Rgba8 {
  if (picture.height !== source.height || picture.width !== source.width) {
    throw new RangeError(`expected alpha of ${picture.height}×${picture.width}, got ${source.height}×${source.width}`);
  }
  const rgba8 = picture.rgba8.slice();
  for (let i = 3; i < rgba8.length; i += 4) rgba8[i] = source.rgba8[i] ?? 255;
  if (picture.rgba16 === undefined) return { ...picture, rgba8 };
  const rgba16 = picture.rgba16.slice();
  // 255 levels become 65535
  for (let i = 3; i < rgba16.length; i += 4) rgba16[i] = 257 * (source.rgba8[i] ?? 255);
  return { ...picture, rgba8, rgba16 };
}
