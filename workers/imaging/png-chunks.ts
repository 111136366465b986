const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10] as const;
/** Of a chunk: length, type and checksum. */
const FRAME_BYTES = 12;

/** A chunk of a PNG: its type, its data, and all of it as it stands in the file. */
export interface PngChunk {
  readonly type: string;
  readonly data: Uint8Array;
  readonly whole: Uint8Array;
}

/** The chunks of a PNG that are there whole, in order, to its end; none of other files. Bytes after the end are not looked at. */
export function* pngChunks(bytes: Uint8Array): Generator<PngChunk, undefined> {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at: number = SIGNATURE.length; at + FRAME_BYTES <= bytes.length; ) {
    const length = view.getUint32(at);
    const next = at + FRAME_BYTES + length;
    if (next > bytes.length) return;
    const type = new TextDecoder('latin1').decode(bytes.subarray(at + 4, at + 8));
    yield { type, data: bytes.subarray(at + 8, at + 8 + length), whole: bytes.subarray(at, next) };
    if (type === 'IEND') return;
    at = next;
  }
}

/** A chunk as it stands in a file. `type`: four letters. */
export function pngChunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const chunk = new Uint8Array(FRAME_BYTES + data.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, data.length);
  chunk.set(new TextEncoder().encode(type), 4);
  chunk.set(data, 8);
  view.setUint32(8 + data.length, crc32(chunk.subarray(4, 8 + data.length)));
  return chunk;
}

/** PNG's checksum, ISO 3309. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
