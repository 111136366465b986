const [SOI, EOI, SOS, FIRST_RESTART, LAST_RESTART] = [0xd8, 0xd9, 0xda, 0xd0, 0xd7] as const;

/** A segment of a JPEG: its marker's second byte, its data, and where it begins in the file. */
export interface JpegSegment {
  readonly marker: number;
  readonly data: Uint8Array;
  readonly start: number;
}

/** The segments before a JPEG's pixels; none of other files. */
export function* jpegHead(bytes: Uint8Array): Generator<JpegSegment, undefined> {
  for (const segment of segments(bytes)) {
    if (segment.marker === SOS || segment.marker === EOI) return;
    yield segment;
  }
}

/** Whether a JPEG's own structure reaches its end; what stands after that is not looked at. */
export function jpegIsWhole(bytes: Uint8Array): boolean {
  for (const { marker } of segments(bytes)) if (marker === EOI) return true;
  return false;
}

function* segments(bytes: Uint8Array): Generator<JpegSegment, undefined> {
  if (bytes[0] !== 0xff || bytes[1] !== SOI) return;
  for (let at = 2; at + 2 <= bytes.length; ) {
    const marker = bytes[at + 1] ?? 0;
    // coded pixels go on to the next marker; a byte of 255 among them is followed by 0
    if (bytes[at] !== 0xff || marker === 0 || marker === 0xff || marker === 1 || (marker >= FIRST_RESTART && marker <= LAST_RESTART)) {
      at = bytes.indexOf(0xff, at + 1);
      if (at < 0) return;
      continue;
    }
    if (marker === EOI) {
      yield { marker, data: new Uint8Array(), start: at };
      return;
    }
    const length = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    yield { marker, data: bytes.subarray(at + 4, at + 2 + length), start: at };
    at += 2 + Math.max(2, length);
  }
}
