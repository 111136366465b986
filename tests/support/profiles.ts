/** Red, green and blue of Adobe RGB (1998), each XYZ under D50. */
const ADOBE_RGB = [
  [0.60974, 0.31111, 0.01947],
  [0.20528, 0.62567, 0.06087],
  [0.14919, 0.06322, 0.74457],
] as const;
const D50 = [0.9642, 1, 0.8249] as const;
const GAMMA = 563 / 256;

/** An ICC profile of version 2 made of a matrix and one gamma: Adobe RGB (1998). */
export function adobeRgb(): Uint8Array<ArrayBuffer> {
  const name = 'Adobe RGB (1998)';
  const desc = new Uint8Array(12 + name.length + 1 + 78);
  desc.set(ascii('desc'));
  new DataView(desc.buffer).setUint32(8, name.length + 1);
  desc.set(ascii(name), 12);
  const curve = new Uint8Array(14);
  curve.set(ascii('curv'));
  new DataView(curve.buffer).setUint32(8, 1);
  new DataView(curve.buffer).setUint16(12, Math.round(GAMMA * 256));
  const [red, green, blue] = ADOBE_RGB;
  const text = new Uint8Array([...ascii('text'), 0, 0, 0, 0, ...ascii('none'), 0]);
  const tags = Object.entries({
    cprt: text,
    desc,
    wtpt: xyz(D50),
    rXYZ: xyz(red),
    gXYZ: xyz(green),
    bXYZ: xyz(blue),
    rTRC: curve,
    gTRC: curve,
    bTRC: curve,
  });
  const header = new Uint8Array(132 + 12 * tags.length);
  const view = new DataView(header.buffer);
  view.setUint32(8, 0x02400000);
  header.set(ascii('mntrRGB XYZ '), 12);
  header.set(ascii('acsp'), 36);
  header.set(xyz(D50).subarray(8), 68);
  view.setUint32(128, tags.length);
  const bytes = [...header];
  for (const [i, [signature, data]] of tags.entries()) {
    header.set(ascii(signature), 132 + 12 * i);
    view.setUint32(136 + 12 * i, bytes.length);
    view.setUint32(140 + 12 * i, data.length);
    bytes.push(...data, ...new Uint8Array((4 - (data.length % 4)) % 4));
  }
  view.setUint32(0, bytes.length);
  return Uint8Array.from([...header, ...bytes.slice(header.length)]);
}

function xyz(values: readonly number[]): Uint8Array {
  const tag = new Uint8Array(20);
  tag.set(ascii('XYZ '));
  for (const [i, value] of values.entries()) new DataView(tag.buffer).setInt32(8 + 4 * i, Math.round(value * 65536));
  return tag;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
