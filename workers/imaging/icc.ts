import type { VipsImage, VipsModule } from './vips-module.ts';

const HEADER_BYTES = 128;
const TAG_BYTES = 12;

/** What an ICC profile calls itself (its `desc` tag, of version 2 or 4); null where it does not say. */
export function profileName(icc: Uint8Array): string | null {
  const view = new DataView(icc.buffer, icc.byteOffset, icc.length);
  const text = (at: number, length: number, encoding: string): string =>
    new TextDecoder(encoding)
      .decode(icc.subarray(at, at + length))
      .replace(/\0.*$/s, '')
      .trim();
  if (icc.length < HEADER_BYTES + 4) return null;
  const count = view.getUint32(HEADER_BYTES);
  for (let tag = 0, entry = HEADER_BYTES + 4; tag < count && entry + TAG_BYTES <= icc.length; tag++, entry += TAG_BYTES) {
    if (text(entry, 4, 'latin1') !== 'desc') continue;
    const at = view.getUint32(entry + 4);
    if (at + 28 > icc.length) return null;
    const type = text(at, 4, 'latin1');
    if (type === 'desc') return text(at + 12, view.getUint32(at + 8), 'latin1') || null;
    // the first of its translations
    if (type === 'mluc') return text(at + view.getUint32(at + 24), view.getUint32(at + 20), 'utf-16be') || null;
    return null;
  }
  return null;
}

/**
 * Pixels in the profile `from` (null: the one attached, where it is sound and fits, else sRGB) as pixels of `depth` bits in the profile `to`,
 * each a path or a name libvips knows. Through floating-point XYZ: the direct way interpolates 16 bits in a table, 7 of 255 levels off.
 */
export function convert(image: VipsImage, from: string | null, to: string, depth: 8 | 16): VipsImage {
  const source = from === null ? { embedded: true } : { input_profile: from };
  return image.iccImport({ ...source, pcs: 'xyz' }).iccExport({ output_profile: to, depth, pcs: 'xyz' });
}

/** sRGB pixels in a profile, or as they are, with so many bits a channel. */
export function inProfile(vips: VipsModule, pixels: VipsImage, icc: Uint8Array | null, depth: 8 | 16): VipsImage {
  if (icc !== null) return convert(pixels, 'srgb', profilePath(vips, icc, 'write'), depth);
  if (depth === 8 || pixels.format === 'ushort') return pixels;
  // 255 becomes 65535
  return pixels.linear(257, 0).cast('ushort').copy({ interpretation: 'rgb16' });
}

/** A profile as the path libvips takes. One of each use is kept at a time: a conversion reads what it needs when it is made. */
export function profilePath(vips: VipsModule, icc: Uint8Array, use: 'read' | 'write'): string {
  const path = `/${use}.icc`;
  vips.FS.writeFile(path, icc);
  return path;
}

/** Whether sRGB pixels can be written in a profile: an RGB one, sound, and not of a device that only reads. */
export function isWritable(vips: VipsModule, icc: Uint8Array): boolean {
  if (new TextDecoder('latin1').decode(icc.subarray(16, 20)) !== 'RGB ') return false;
  const pixel = vips.Image.newFromMemory(new Uint8Array([200, 100, 50]), 1, 1, 3, 'uchar' as never).copy({ interpretation: 'srgb' });
  try {
    convert(pixel, 'srgb', profilePath(vips, icc, 'write'), 8).writeToMemory();
    return true;
  } catch {
    return false;
  }
}
