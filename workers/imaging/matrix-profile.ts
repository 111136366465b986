/** A colour by its chromaticity, CIE 1931 x and y. */
export type Chromaticity = readonly [x: number, y: number];

/** An RGB space: its primaries, its white, and how its numbers become light. */
export interface RgbSpace {
  readonly name: string;
  readonly red: Chromaticity;
  readonly green: Chromaticity;
  readonly blue: Chromaticity;
  readonly white: Chromaticity;
  readonly curve: Curve;
}

/** light = (a·v + b)^gamma from v = d on, c·v below: ICC's parametric curve of type 3. */
export interface Curve {
  readonly gamma: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

type Vector = readonly [number, number, number];
type Matrix = readonly [Vector, Vector, Vector];

export const SRGB_CURVE: Curve = { gamma: 2.4, a: 1 / 1.055, b: 0.055 / 1.055, c: 1 / 12.92, d: 0.04045 };

/** ICC's white. */
const D50: Vector = [0.9642, 1, 0.8249];
/** Bradford's cones, ICC.1:2022 annex E. */
const BRADFORD: Matrix = [
  [0.8951, 0.2664, -0.1614],
  [-0.7502, 1.7135, 0.0367],
  [0.0389, -0.0685, 1.0296],
];
const HEADER_BYTES = 128;
const TAG_BYTES = 12;

export function powerCurve(gamma: number): Curve {
  return { gamma, a: 1, b: 0, c: 0, d: 0 };
}

/** An RGB space as an ICC profile of version 4, of primaries and one curve. Throws RangeError for primaries that span no space. */
export function matrixProfile({ name, red, green, blue, white, curve }: RgbSpace): Uint8Array<ArrayBuffer> {
  const columns = [red, green, blue].map(xyzOf) as unknown as Matrix;
  const strengths = apply(inverse(transposed(columns)), xyzOf(white));
  const [toCones, fromWhite, toWhite] = [BRADFORD, apply(BRADFORD, xyzOf(white)), apply(BRADFORD, D50)];
  const adapt = (colour: Vector): Vector => {
    const cones = apply(toCones, colour);
    return apply(
      inverse(toCones),
      scaled(cones, (i) => at(toWhite, i) / at(fromWhite, i)),
    );
  };
  const [r, g, b] = columns.map((column, i) => xyzTag(adapt(scaled(column, () => at(strengths, i)))));
  const shape = curveTag(curve);
  const tags: readonly (readonly [string, Uint8Array | undefined])[] = [
    ['desc', textTag(name)],
    ['cprt', textTag('None')],
    ['wtpt', xyzTag(D50)],
    ['rXYZ', r],
    ['gXYZ', g],
    ['bXYZ', b],
    ['rTRC', shape],
    ['gTRC', shape],
    ['bTRC', shape],
  ];
  return assembled(tags.map(([signature, data]) => [signature, data ?? new Uint8Array()]));
}

function assembled(tags: readonly (readonly [string, Uint8Array])[]): Uint8Array<ArrayBuffer> {
  const table = HEADER_BYTES + 4 + TAG_BYTES * tags.length;
  const length = tags.reduce((bytes, [, data]) => bytes + 4 * Math.ceil(data.length / 4), table);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  view.setUint32(8, 0x04400000);
  bytes.set(ascii('mntrRGB XYZ '), 12);
  bytes.set(ascii('acsp'), 36);
  bytes.set(xyzTag(D50).subarray(8), 68);
  view.setUint32(HEADER_BYTES, tags.length);
  let place = table;
  for (const [i, [signature, data]] of tags.entries()) {
    const entry = HEADER_BYTES + 4 + TAG_BYTES * i;
    bytes.set(ascii(signature), entry);
    view.setUint32(entry + 4, place);
    view.setUint32(entry + 8, data.length);
    bytes.set(data, place);
    place += 4 * Math.ceil(data.length / 4);
  }
  return bytes;
}

/** `mluc` of one English text. */
function textTag(text: string): Uint8Array {
  const bytes = new Uint8Array(28 + 2 * text.length);
  const view = new DataView(bytes.buffer);
  bytes.set(ascii('mluc'));
  view.setUint32(8, 1);
  view.setUint32(12, 12);
  bytes.set(ascii('enUS'), 16);
  view.setUint32(20, 2 * text.length);
  view.setUint32(24, 28);
  for (let i = 0; i < text.length; i++) view.setUint16(28 + 2 * i, text.charCodeAt(i));
  return bytes;
}

function xyzTag(values: Vector): Uint8Array {
  return fixedTag('XYZ ', 8, values);
}

function curveTag({ gamma, a, b, c, d }: Curve): Uint8Array {
  const tag = fixedTag('para', 12, [gamma, a, b, c, d]);
  new DataView(tag.buffer).setUint16(8, 3);
  return tag;
}

/** Numbers of 16.16 bits from `start` on. */
function fixedTag(type: string, start: number, values: readonly number[]): Uint8Array<ArrayBuffer> {
  const tag = new Uint8Array(start + 4 * values.length);
  tag.set(ascii(type));
  for (const [i, value] of values.entries()) new DataView(tag.buffer).setInt32(start + 4 * i, Math.round(value * 65536));
  return tag;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A chromaticity at a luminance of 1. */
function xyzOf([x, y]: Chromaticity): Vector {
  return [x / y, 1, (1 - x - y) / y];
}

function at(vector: Vector, i: number): number {
  return vector[i] ?? 0;
}

function scaled(vector: Vector, by: (i: number) => number): Vector {
  return vector.map((value, i) => value * by(i)) as unknown as Vector;
}

function apply(matrix: Matrix, vector: Vector): Vector {
  return matrix.map((row) => row.reduce((sum, value, i) => sum + value * at(vector, i), 0)) as unknown as Vector;
}

function transposed(m: Matrix): Matrix {
  return [0, 1, 2].map((i) => m.map((row) => at(row, i))) as unknown as Matrix;
}

function inverse(m: Matrix): Matrix {
  const cross = (u: Vector, v: Vector): Vector => [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
  const columns: Matrix = [cross(m[1], m[2]), cross(m[2], m[0]), cross(m[0], m[1])];
  const determinant = m[0].reduce((sum, value, i) => sum + value * at(columns[0], i), 0);
  if (!(Math.abs(determinant) > 1e-9)) throw new RangeError('expected primaries that span a space of colours');
  return transposed(columns.map((column) => scaled(column, () => 1 / determinant)) as unknown as Matrix);
}
