/** Rotations of each round, RFC 1321. */
const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
] as const;

/** The MD5 digest of bytes (RFC 1321) as 32 upper-case hex digits: what names extended XMP. Web Crypto has none. */
export function md5(bytes: Uint8Array): string {
  const padded = new Uint8Array(64 * Math.ceil((bytes.length + 9) / 64));
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - 8, BigInt(8 * bytes.length), true);
  const state = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476]);
  for (let block = 0; block < padded.length; block += 64) {
    let [a = 0, b = 0, c = 0, d = 0] = state;
    for (let i = 0; i < 64; i++) {
      const round = i >> 4;
      const [mixed, word] = [
        [(b & c) | (~b & d), i],
        [(d & b) | (~d & c), (5 * i + 1) % 16],
        [b ^ c ^ d, (3 * i + 5) % 16],
        [c ^ (b | ~d), (7 * i) % 16],
      ][round] as [number, number];
      const sum = (a + mixed + Math.floor(2 ** 32 * Math.abs(Math.sin(i + 1))) + view.getInt32(block + 4 * word, true)) | 0;
      const shift = SHIFTS[round]?.[i % 4] ?? 0;
      [a, d, c, b] = [d, c, b, (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0];
    }
    for (const [i, value] of [a, b, c, d].entries()) state[i] = (state[i] ?? 0) + value;
  }
  const digest = new Uint8Array(state.buffer);
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('');
}
