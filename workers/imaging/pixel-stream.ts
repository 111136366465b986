import type { Image8 } from '../../src/protocol/request.ts';
import type { VipsImage, VipsModule } from './vips-module.ts';

/** Pixels handed over at a time. */
const CHUNK_PIXELS = 2 ** 15;

/**
 * A picture's pixels as libvips' image, `srgb`, or `rgb16` where `depth` 16 is asked for and there, with 3 bands or, with `alpha`, 4. They are read as they are needed, once, from
 * top to bottom: libvips holds no copy of the whole.
 */
export function pixelsIn(vips: VipsModule, image: Image8, alpha: boolean, depth: 8 | 16): VipsImage {
  const data = depth === 16 ? (image.rgba16 ?? image.rgba8) : image.rgba8;
  const read = (channels: readonly number[]): VipsImage => {
    const source = new vips.SourceCustom();
    const chunks = ppm(image, data, channels);
    let left = new Uint8Array(0);
    source.onRead = (length) => {
      if (left.length === 0) left = chunks.next().value ?? left;
      const part = left.subarray(0, length);
      left = left.subarray(part.length);
      return part.length === 0 ? undefined : part;
    };
    return vips.Image.newFromSource(source, '', { access: 'sequential' });
  };
  const colour = read([0, 1, 2]);
  return (alpha ? colour.bandjoin(read([3])) : colour).copy({ interpretation: data instanceof Uint16Array ? 'rgb16' : 'srgb' });
}

/** A PPM or PGM file of some channels: a header, then samples row by row, of 16 bits the high byte first. */
function* ppm(
  { height, width }: Image8,
  data: Uint8ClampedArray | Uint16Array,
  channels: readonly number[],
): Generator<Uint8Array<ArrayBuffer>, undefined> {
  const wide = data instanceof Uint16Array;
  yield new TextEncoder().encode(`P${channels.length === 3 ? 6 : 5}\n${width} ${height}\n${wide ? 65535 : 255}\n`);
  for (let first = 0; first < height * width; first += CHUNK_PIXELS) {
    const count = Math.min(CHUNK_PIXELS, height * width - first);
    const samples = wide ? new Uint16Array(count * channels.length) : new Uint8Array(count * channels.length);
    for (const [k, channel] of channels.entries()) {
      for (let to = k, from = 4 * first + channel; to < samples.length; to += channels.length, from += 4) {
        const value = data[from] ?? 0;
        samples[to] = wide ? (value >> 8) | ((value & 255) << 8) : value;
      }
    }
    yield new Uint8Array(samples.buffer);
  }
}

/** What libvips computes of an RGBA image of 8 or 16 bits: written straight into the result's pixels. Throws what libvips throws. */
export function pixelsOut(vips: VipsModule, image: VipsImage): Image8 {
  const { height, width } = image;
  const samples = height * width * 4;
  if (image.format !== 'ushort') return { height, width, rgba8: new Uint8ClampedArray(rawBytes(vips, image, samples)) };
  const rgba16 = new Uint16Array(rawBytes(vips, image, 2 * samples));
  const rgba8 = new Uint8ClampedArray(samples);
  // clamped arrays round
  for (let i = 0; i < samples; i++) rgba8[i] = (rgba16[i] ?? 0) / 257;
  return { height, width, rgba8, rgba16 };
}

/** All that libvips computes of an image, `sizeBytes` in all. Throws what libvips throws. */
export function rawBytes(vips: VipsModule, image: VipsImage, sizeBytes: number): ArrayBuffer {
  const bytes = new Uint8Array(sizeBytes);
  const target = new vips.TargetCustom();
  let at = 0;
  target.onWrite = (part) => {
    bytes.set(part, at);
    at += part.length;
    return part.length;
  };
  image.rawsaveTarget(target);
  return bytes.buffer;
}
