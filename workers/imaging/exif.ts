const HEAD = 'Exif\0\0';
const ENTRY_BYTES = 12;
const EXIF_DIRECTORY = 0x8769;
/** Bytes of a value by its type: BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE. */
const TYPE_BYTES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8] as const;
/** The pointer to where a picture was taken. */
const GPS_DIRECTORY = 0x8825;
/** What is said in pixels of the old picture, or of its grid on the sensor: subject area and location, density of the focal plane. */
const OF_OLD_PIXELS = [0x9214, 0xa214, 0xa20e, 0xa20f, 0xa210];

/**
 * EXIF without its thumbnail, which shows the picture as it was, and without what is told in its pixels. Sizes and orientation are put right by libvips.
 * Gives the same bytes where they are no EXIF.
 */
export function lastingExif(exif: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return withFirstDirectory(exif, (view, first, little) => {
    const entries = entriesOf(view, first, little);
    // no next directory: that of the thumbnail
    view.setUint32(first + 2 + ENTRY_BYTES * entries.length, 0, little);
    for (const entry of entries) {
      if (view.getUint16(entry, little) === EXIF_DIRECTORY) removeEntries(view, view.getUint32(entry + 8, little), OF_OLD_PIXELS, little);
    }
    return true;
  }).bytes;
}

/** Whether EXIF says where its picture was taken. */
export function exifSaysPlace(exif: Uint8Array<ArrayBuffer>): boolean {
  return withFirstDirectory(exif, (view, first, little) => {
    return entriesOf(view, first, little).some((entry) => view.getUint16(entry, little) === GPS_DIRECTORY);
  }).found;
}

/** EXIF without where its picture was taken: neither the pointer to it is left, nor what it points to. */
export function exifWithoutPlace(exif: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return withFirstDirectory(exif, (view, first, little) => {
    const entries = entriesOf(view, first, little).filter((entry) => view.getUint16(entry, little) === GPS_DIRECTORY);
    const directories = entries.map((entry) => view.getUint32(entry + 8, little));
    removeEntries(view, first, [GPS_DIRECTORY], little);
    for (const directory of directories) blankDirectory(view, directory, little);
    return true;
  }).bytes;
}

/** A copy of EXIF after `work` on its first directory, and what that gave; false where the bytes are none or end too early. */
function withFirstDirectory(
  exif: Uint8Array<ArrayBuffer>,
  work: (view: DataView, first: number, little: boolean) => boolean,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly found: boolean } {
  const start = new TextDecoder('latin1').decode(exif.subarray(0, HEAD.length)) === HEAD ? HEAD.length : 0;
  const bytes = exif.slice();
  const view = new DataView(bytes.buffer, start);
  try {
    const little = view.getUint8(0) === 0x49;
    return { bytes, found: work(view, view.getUint32(4, little), little) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { bytes, found: false };
  }
}

/** Where each entry of a directory begins. */
function entriesOf(view: DataView, directory: number, little: boolean): readonly number[] {
  return Array.from({ length: view.getUint16(directory, little) }, (_, i) => directory + 2 + ENTRY_BYTES * i);
}

/** Zeros for a directory's entries and the values they point to. */
function blankDirectory(view: DataView, directory: number, little: boolean): void {
  const blank = (from: number, bytes: number): void => {
    for (let i = from; i < from + bytes; i++) view.setUint8(i, 0);
  };
  for (const entry of entriesOf(view, directory, little)) {
    const size = (TYPE_BYTES[view.getUint16(entry + 2, little)] ?? 0) * view.getUint32(entry + 4, little);
    if (size > 4) blank(view.getUint32(entry + 8, little), size);
    blank(entry, ENTRY_BYTES);
  }
  view.setUint16(directory, 0, little);
}

/** Entries move up over those that go; the count falls, and the link behind them moves with them. */
function removeEntries(view: DataView, directory: number, tags: readonly number[], little: boolean): void {
  const count = view.getUint16(directory, little);
  const all = directory + 2;
  const end = all + ENTRY_BYTES * count;
  const next = view.getUint32(end, little);
  let to = all;
  for (let from = all; from < end; from += ENTRY_BYTES) {
    if (tags.includes(view.getUint16(from, little))) continue;
    for (let i = 0; i < ENTRY_BYTES; i++) view.setUint8(to + i, view.getUint8(from + i));
    to += ENTRY_BYTES;
  }
  view.setUint16(directory, (to - all) / ENTRY_BYTES, little);
  view.setUint32(to, next, little);
}
