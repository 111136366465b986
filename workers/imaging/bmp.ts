import type { Image8 } from '../../src/protocol/request.ts';

const CORE_HEADER_BYTES = 12;
const MASKS_AT = 54;
const UNCOMPRESSED = 0;
const BIT_FIELDS = [3, 6];
/** Run lengths, by bits a pixel. */
const RUN_LENGTHS: Readonly<Record<number, number>> = { 1: 8, 2: 4 };
const COMPRESSIONS: Readonly<Record<number, string>> = { 4: 'JPEG', 5: 'PNG', 11: 'CMYK', 12: 'CMYK', 13: 'CMYK' };

/** Where a colour's bits are in a pixel. */
interface Channel {
  readonly shift: number;
  readonly max: number;
}

/**
 * The pixels of a BMP of 1, 4, 8, 16, 24 or 32 bits a pixel, with palette or masks, run-length coded or not, bottom up or top
 * down: libvips does not read BMP. Throws RangeError for one that is cut short, damaged or holds another format.
 */
export function decodeBmp(bytes: Uint8Array): Image8 {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { height, width, topDown } = bmpSize(view);
  const headerBytes = view.getUint32(14, true);
  const core = headerBytes === CORE_HEADER_BYTES;
  const bits = view.getUint16(core ? 24 : 28, true);
  const compression = core ? UNCOMPRESSED : view.getUint32(30, true);
  const masked = BIT_FIELDS.includes(compression);
  const runs = RUN_LENGTHS[compression] === bits;
  if (![1, 4, 8, 16, 24, 32].includes(bits) || !(compression === UNCOMPRESSED || masked || runs)) {
    const kind = COMPRESSIONS[compression] ?? `compression ${compression}`;
    throw new RangeError(`expected a BMP of plain or run-length coded pixels, got ${bits} bits, ${kind}`);
  }
  const start = view.getUint32(10, true);
  const stride = 4 * Math.ceil((bits * width) / 32);
  const indices = runs ? runLengths(bytes.subarray(start), bits, height, width) : null;
  if (!runs && start + stride * height > bytes.length) throw new RangeError('expected a whole BMP, got one that is cut short');
  const rgba8 = new Uint8ClampedArray(4 * height * width);
  const paletteAt = 14 + headerBytes + (masked && headerBytes === 40 ? 12 : 0);
  const entryBytes = core ? 3 : 4;
  const channels = masked ? masksOf(view, headerBytes) : plainMasks(bits);
  for (let y = 0; y < height; y++) {
    const row = start + stride * (topDown ? y : height - 1 - y);
    for (let x = 0, to = 4 * y * width; x < width; x++, to += 4) {
      rgba8[to + 3] = 255;
      if (bits <= 8) {
        const perByte = 8 / bits;
        const packed = bytes[row + Math.floor(x / perByte)] ?? 0;
        const plain = (packed >> (8 - bits * ((x % perByte) + 1))) & (2 ** bits - 1);
        const index = indices === null ? plain : (indices[(topDown ? y : height - 1 - y) * width + x] ?? 0);
        // a palette stores blue first, as every pixel does
        for (let c = 0; c < 3; c++) rgba8[to + c] = bytes[paletteAt + entryBytes * index + 2 - c] ?? 0;
      } else if (bits === 24) {
        for (let c = 0; c < 3; c++) rgba8[to + c] = bytes[row + 3 * x + 2 - c] ?? 0;
      } else {
        const pixel = bits === 16 ? view.getUint16(row + 2 * x, true) : view.getUint32(row + 4 * x, true);
        for (const [c, { shift, max }] of channels.entries()) rgba8[to + c] = (((pixel >>> shift) & max) * 255) / max;
      }
    }
  }
  return { height, width, rgba8 };
}

/** The palette's numbers of run-length coded pixels, row by row as they are stored; 0 where nothing is. Throws RangeError for one that is cut short. */
function runLengths(coded: Uint8Array, bits: number, height: number, width: number): Uint8Array {
  const out = new Uint8Array(height * width);
  let [at, x, y] = [0, 0, 0];
  const put = (index: number): void => {
    if (x < width && y < height) out[y * width + x] = index;
    x++;
  };
  /** Number `i` of a run: bytes of one index, or of two that take turns. */
  const indexOf = (byte: number, i: number): number => (bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15);
  while (y < height) {
    const [count, value] = [coded[at], coded[at + 1]];
    if (count === undefined || value === undefined) throw new RangeError('expected a whole BMP, got one that is cut short');
    at += 2;
    if (count > 0) {
      for (let i = 0; i < count; i++) put(indexOf(value, i));
    } else if (value === 0) {
      x = 0;
      y++;
    } else if (value === 1) {
      return out;
    } else if (value === 2) {
      x += coded[at] ?? 0;
      y += coded[at + 1] ?? 0;
      at += 2;
    } else {
      for (let i = 0; i < value; i++) put(indexOf(coded[at + (bits === 8 ? i : i >> 1)] ?? 0, i));
      // such runs end on a whole word
      at += 2 * Math.ceil((value * bits) / 16);
    }
  }
  return out;
}

/** Height and width of a BMP's header, of 26 bytes at least. */
export function bmpSize(view: DataView): { readonly height: number; readonly width: number; readonly topDown: boolean } {
  if (view.getUint32(14, true) === CORE_HEADER_BYTES) {
    return { height: view.getUint16(20, true), width: view.getUint16(18, true), topDown: false };
  }
  const height = view.getInt32(22, true);
  return { height: Math.abs(height), width: Math.abs(view.getInt32(18, true)), topDown: height < 0 };
}

/** Red, green and blue of 16 or 32 bits without masks of their own. */
function plainMasks(bits: number): readonly Channel[] {
  return bits === 16 ? [10, 5, 0].map((shift) => ({ shift, max: 31 })) : [16, 8, 0].map((shift) => ({ shift, max: 255 }));
}

/** Red, green, blue and, in headers that have one, alpha. */
function masksOf(view: DataView, headerBytes: number): readonly Channel[] {
  const offsets = headerBytes >= 56 ? [0, 4, 8, 12] : [0, 4, 8];
  const masks = offsets.map((offset) => view.getUint32(MASKS_AT + offset, true));
  if (masks.slice(0, 3).includes(0)) throw new RangeError('expected masks of three colours');
  return masks
    .filter((mask) => mask !== 0)
    .map((mask) => {
      const shift = 31 - Math.clz32(mask & -mask);
      return { shift, max: mask >>> shift };
    });
}
