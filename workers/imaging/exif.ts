const HEAD = 'Exif\0\0';
const ENTRY_BYTES = 12;
const EXIF_DIRECTORY = 0x8769;
/** What is said in pixels of the old picture, or of its grid on the sensor: subject area and location, density of the focal plane. */
const OF_OLD_PIXELS = [0x9214, 0xa214, 0xa20e, 0xa20f, 0xa210];

/**
 * EXIF without its thumbnail, which shows the picture as it was, and without what is told in its pixels. Sizes and orientation are put right by libvips.
 * Gives the same bytes where they are no EXIF.
 */
export function lastingExif(exif: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const start = new TextDecoder('latin1').decode(exif.subarray(0, HEAD.length)) === HEAD ? HEAD.length : 0;
  const bytes = exif.slice();
  const view = new DataView(bytes.buffer, start);
  try {
    const little = view.getUint8(0) === 0x49;
    const first = view.getUint32(4, little);
    const count = view.getUint16(first, little);
    // no next directory: that of the thumbnail
    view.setUint32(first + 2 + ENTRY_BYTES * count, 0, little);
    for (let i = 0; i < count; i++) {
      const entry = first + 2 + ENTRY_BYTES * i;
      if (view.getUint16(entry, little) === EXIF_DIRECTORY) removeOldPixels(view, view.getUint32(entry + 8, little), little);
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return bytes;
}

/** Entries move up over those that go; the count falls, and the link behind them moves with them. */
function removeOldPixels(view: DataView, directory: number, little: boolean): void {
  const count = view.getUint16(directory, little);
  const all = directory + 2;
  const end = all + ENTRY_BYTES * count;
  const next = view.getUint32(end, little);
  let to = all;
  for (let from = all; from < end; from += ENTRY_BYTES) {
    if (OF_OLD_PIXELS.includes(view.getUint16(from, little))) continue;
    for (let i = 0; i < ENTRY_BYTES; i++) view.setUint8(to + i, view.getUint8(from + i));
    to += ENTRY_BYTES;
  }
  view.setUint16(directory, (to - all) / ENTRY_BYTES, little);
  view.setUint32(to, next, little);
}
