/** What a TIFF's first page says of how its pixels are stored; absent numbers are TIFF's own defaults. */
export interface TiffPage {
  readonly bits: number;
  readonly compression: number;
  readonly photometric: number;
  readonly sampleFormat: number;
  /** Where in the file the photometric number stands. */
  readonly photometricAt: number;
}

const [BITS, COMPRESSION, PHOTOMETRIC, SAMPLE_FORMAT] = [258, 259, 262, 339] as const;
const SHORT = 3;
const RGB = 2;
const CIELAB = 8;
/** Photometric numbers of what is no picture yet: the mosaic of a camera's sensor, and the like. */
const PHOTOMETRICS: Readonly<Record<number, string>> = {
  4: 'a transparency mask',
  9: 'ICC Lab colours',
  10: 'ITU Lab colours',
  32803: 'a camera’s raw pixels',
  34892: 'a camera’s raw pixels',
  32844: 'LogL pixels',
  32845: 'LogLuv pixels',
};
const COMPRESSIONS: Readonly<Record<number, string>> = {
  2: 'CCITT fax',
  3: 'CCITT fax',
  4: 'CCITT fax',
  6: 'old-style JPEG',
  9: 'JBIG',
  34661: 'JBIG',
  34676: 'SGILog',
  34677: 'SGILog',
  34712: 'JPEG 2000',
  34887: 'LERC',
  34925: 'LZMA',
  50000: 'Zstandard',
  50001: 'WebP',
  50002: 'JPEG XL',
  52546: 'JPEG XL',
};
const SAMPLES: Readonly<Record<number, string>> = { 2: 'signed numbers', 5: 'complex numbers', 6: 'complex numbers' };

/** The first page of a TIFF or BigTIFF; null where its directory is not in the file. */
export function tiffPage(bytes: Uint8Array): TiffPage | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = bytes[0] === 0x49;
  const short = (at: number): number => view.getUint16(at, little);
  const int = (at: number): number => view.getUint32(at, little);
  const long = (at: number): number => Number(view.getBigUint64(at, little));
  try {
    const big = short(2) === 43;
    const directory = big ? long(8) : int(4);
    const [count, first, entryBytes] = big ? [long(directory), directory + 8, 20] : [short(directory), directory + 2, 12];
    const found = new Map<number, number>();
    for (let entry = first; entry < first + Math.min(count, 4096) * entryBytes; entry += entryBytes) {
      const [values, inline] = big ? [long(entry + 4), entry + 12] : [int(entry + 4), entry + 8];
      const room = big ? 4 : 2;
      // what does not fit its entry stands elsewhere
      if (short(entry + 2) === SHORT) found.set(short(entry), values <= room ? inline : big ? long(inline) : int(inline));
    }
    const read = (tag: number, absent: number): number => {
      const at = found.get(tag);
      return at === undefined ? absent : short(at);
    };
    return {
      bits: read(BITS, 1),
      compression: read(COMPRESSION, 1),
      photometric: read(PHOTOMETRIC, RGB),
      sampleFormat: read(SAMPLE_FORMAT, 1),
      photometricAt: found.get(PHOTOMETRIC) ?? 0,
    };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** What kind of TIFF it is that cannot be read, in words; null where none is known. */
export function tiffKind({ compression, photometric, sampleFormat, bits }: TiffPage): string | null {
  const pixels = PHOTOMETRICS[photometric] ?? SAMPLES[sampleFormat];
  if (pixels !== undefined) return `of ${pixels}`;
  const packed = COMPRESSIONS[compression];
  if (packed !== undefined) return `compressed as ${packed}`;
  return bits === 8 || bits === 16 || bits === 32 || bits < 8 ? null : `of ${bits} bits a channel`;
}

/** Whether a page is of Lab colours in 8 bits, which libvips takes for its own packed ones. */
export function isLab8({ photometric, bits }: TiffPage): boolean {
  return photometric === CIELAB && bits === 8;
}

/** The file with its first page said to be RGB: its pixels are then read as they are stored. */
export function saidToBeRgb(bytes: Uint8Array<ArrayBuffer>, { photometricAt }: TiffPage): Uint8Array<ArrayBuffer> {
  const copy = bytes.slice();
  new DataView(copy.buffer).setUint16(photometricAt, RGB, bytes[0] === 0x49);
  return copy;
}
