import { hasAlpha } from '../../src/core/picture.ts';
import type { Beyond, SourceInfo } from '../../src/protocol/picture-file.ts';
import type { Image8, Region } from '../../src/protocol/request.ts';
import { inProfile } from './icc.ts';
import { pixelsIn, rawBytes } from './pixel-stream.ts';
import type { VipsImage, VipsModule } from './vips-module.ts';

/** Of 16 bits in one of 8. */
const LEVEL = 257;
/** Levels of 16 bits in a step of what is kept: the whole range, either way, in 16 bits. */
const STEP = 2;
/** Levels of 8 bits by which a picture that was stored in 8 bits is off for being rounded twice. */
const ROUNDED_TWICE = 2;

/**
 * What of a file's own pixels `image`, which was made of them, has lost; null where that is no more than rounding. `own`: RGB or RGBA of 8 or 16
 * bits in the source's profile, in sRGB where it has none. Throws what libvips throws.
 */
export function beyondOf(vips: VipsModule, own: VipsImage, image: Image8, { depth, icc }: SourceInfo): Beyond | null {
  const bands = depth === 16 && hasAlpha(image) ? 4 : 3;
  const seen = inProfile(vips, pixelsIn(vips, image, bands === 4, 16), icc, 16);
  const deep = own.extractBand(0, { n: bands }).linear(own.format === 'ushort' ? 1 : LEVEL, 0);
  const { height, width } = image;
  const lost = deep
    .subtract(seen)
    .linear(1 / STEP, 0)
    .cast('short');
  const levels = new Int16Array(rawBytes(vips, lost, 2 * height * width * bands));
  const unnoticed = depth === 16 ? 0 : (ROUNDED_TWICE * LEVEL) / STEP;
  return levels.some((level) => Math.abs(level) > unnoticed) ? { height, width, bands, levels } : null;
}

/** RGB or RGBA of 16 bits in the profile results are written in, with what the source's picture had lost, linearly enlarged: its low band. */
export function withBeyond(vips: VipsModule, pixels: VipsImage, beyond: Beyond, region: Region | null): VipsImage {
  const { height, width, bands, levels } = beyond;
  const whole = vips.Image.newFromMemory(levels, width, height, bands, 'short' as never);
  const part = region === null ? whole : whole.crop(region.left, region.top, region.width, region.height);
  const enlarged = part.resize(pixels.width / part.width, { vscale: pixels.height / part.height, kernel: 'linear' });
  // alpha that was of 8 bits, or is not asked for, lost nothing
  const missing = pixels.bands - bands;
  const fitting = missing > 0 ? enlarged.bandjoin(0) : enlarged.extractBand(0, { n: pixels.bands });
  return pixels.add(fitting.linear(STEP, 0)).cast('ushort').copy({ interpretation: 'rgb16' });
}
