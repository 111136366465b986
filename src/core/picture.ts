import type { Tensor } from './tensor.ts';
import { cropTile } from './tiling.ts';

/** Height and width, in pixels. */
export interface Extent {
  readonly height: number;
  readonly width: number;
}

/** RGBA8 pixels, row by row, alpha not premultiplied: H·W·4 bytes. */
export interface Rgba8 {
  readonly height: number;
  readonly width: number;
  readonly rgba8: Uint8ClampedArray<ArrayBuffer>;
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

/** Planes [B, C, H, W] up to a size, filled at the right and bottom with zeros or with their last column and row. Throws RangeError for a smaller one. */
export function padPlanes({ dims, data }: Tensor, to: Extent, fill: 'zeros' | 'edge'): Tensor {
  const [batch = 0, channels = 0, height = 0, width = 0] = dims;
  if (to.height < height || to.width < width) throw new RangeError(`expected at least ${height}×${width}, got ${to.height}×${to.width}`);
  const out = new Float32Array(batch * channels * to.height * to.width);
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < (fill === 'edge' ? to.height : height); y++) {
      const from = (plane * height + Math.min(y, height - 1)) * width;
      const start = (plane * to.height + y) * to.width;
      out.set(data.subarray(from, from + width), start);
      if (fill === 'edge') out.fill(data[from + width - 1] ?? 0, start + width, start + to.width);
    }
  }
  return { dims: [batch, channels, to.height, to.width], data: out };
}

/** The top left of planes [B, C, H, W]. Throws RangeError for a larger size. */
export function cropPlanes(planes: Tensor, { height, width }: Extent): Tensor {
  return cropTile(planes, { top: 0, left: 0, height, width });
}

/** Whether any pixel is not opaque. */
export function hasAlpha({ rgba8 }: Rgba8): boolean {
  for (let i = 3; i < rgba8.length; i += 4) if (rgba8[i] !== 255) return true;
  return false;
}

/** `picture` with the alpha of `source`, which has the same size. */
export function withAlpha(picture: Rgba8, source: Rgba8): Rgba8 {
  if (picture.height !== source.height || picture.width !== source.width) {
    throw new RangeError(`expected alpha of ${picture.height}×${picture.width}, got ${source.height}×${source.width}`);
  }
  const rgba8 = picture.rgba8.slice();
  for (let i = 3; i < rgba8.length; i += 4) rgba8[i] = source.rgba8[i] ?? 255;
  return { ...picture, rgba8 };
}
