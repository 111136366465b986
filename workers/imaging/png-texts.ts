const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10] as const;
/** Signature and IHDR. */
const HEAD_BYTES = 33;
const TEXT_TYPE = 0x74455874;
/** Of a chunk: length, type and checksum. */
const FRAME_BYTES = 12;

/** The tEXt chunks of a PNG by keyword, its pixels left alone; nothing of other files. A damaged file gives what stands before the damage. */
export function pngTexts(bytes: Uint8Array): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) return texts;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const latin1 = new TextDecoder('latin1');
  for (let at = SIGNATURE.length; at + FRAME_BYTES <= bytes.length; ) {
    const length = view.getUint32(at);
    const data = view.getUint32(at + 4) === TEXT_TYPE ? bytes.subarray(at + 8, at + 8 + length) : null;
    if (data?.length === length) {
      const end = data.indexOf(0);
      if (end > 0) texts[latin1.decode(data.subarray(0, end))] = latin1.decode(data.subarray(end + 1));
    }
    at += FRAME_BYTES + length;
  }
  return texts;
}

/** A PNG with tEXt chunks before everything but its header: ASCII by keyword. The pixels are not copied. */
export function withPngTexts(png: Blob, texts: Readonly<Record<string, string>>): Blob {
  const chunks = Object.entries(texts).map(([keyword, text]) => textChunk(new TextEncoder().encode(`tEXt${keyword}\0${text}`)));
  return new Blob([png.slice(0, HEAD_BYTES), ...chunks, png.slice(HEAD_BYTES)], { type: png.type });
}

function textChunk(typeAndData: Uint8Array): Uint8Array<ArrayBuffer> {
  const chunk = new Uint8Array(FRAME_BYTES - 4 + typeAndData.length);
  const view = new DataView(chunk.buffer);
  view.setUint32(0, typeAndData.length - 4);
  chunk.set(typeAndData, 4);
  view.setUint32(4 + typeAndData.length, crc32(typeAndData));
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
