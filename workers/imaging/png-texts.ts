const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10] as const;

/** The tEXt chunks of a PNG by keyword, its pixels left alone; nothing of other files. A damaged file gives what stands before the damage. */
export function pngTexts(bytes: Uint8Array): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) return texts;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const latin1 = new TextDecoder('latin1');
  // a chunk: length, type, data, checksum
  for (let at = SIGNATURE.length; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (latin1.decode(bytes.subarray(at + 4, at + 8)) === 'tEXt' && data.length === length) {
      const end = data.indexOf(0);
      if (end > 0) texts[latin1.decode(data.subarray(0, end))] = latin1.decode(data.subarray(end + 1));
    }
    at += 12 + length;
  }
  return texts;
}
