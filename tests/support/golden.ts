import { readFileSync } from 'node:fs';
import { wholeArea } from '../../src/core/area.ts';
import type { Rgba8 } from '../../src/core/picture.ts';
import { type PlaneSource, stripsOf } from '../../src/core/sources.ts';
import { cropPlanes, pastePlanes, type Tensor } from '../../src/core/tensor.ts';

/** Fields whose bytes `rfsr golden` writes in base64. */
const BYTES = ['rgb8', 'out'];

/** A golden file by name, as `rfsr golden` wrote it. */
export function golden<T>(name: string): T {
  const text = readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8');
  const revive = (key: string, value: unknown): unknown =>
    BYTES.includes(key) && typeof value === 'string' ? [...Buffer.from(value, 'base64')] : value;
  return JSON.parse(text, revive) as T;
}

/** RGB bytes, row by row, as an opaque picture. */
export function opaque(height: number, width: number, rgb8: readonly number[]): Rgba8 {
  const rgba8 = new Uint8ClampedArray(height * width * 4).fill(255);
  for (let i = 0; i < height * width; i++) for (let c = 0; c < 3; c++) rgba8[4 * i + c] = rgb8[3 * i + c] ?? 0;
  return { height, width, rgba8 };
}

export function tensorOf(values: readonly number[], dims: readonly number[]): Tensor {
  return { dims, data: Float32Array.from(values) };
}

/** Largest absolute difference; NaN when lengths differ. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.NaN;
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs((a[i] ?? 0) - (b[i] ?? 0)));
  return worst;
}

/** Planes as a source. */
export function sourceOf(planes: Tensor): PlaneSource {
  const [, , height = 0, width = 0] = planes.dims;
  return { height, width, read: async (area) => cropPlanes(planes, area) };
}

/** All of a source, read whole or in strips of about so many pixels. */
export async function readAll(source: PlaneSource, pixels = Number.POSITIVE_INFINITY): Promise<Tensor> {
  const { height, width } = source;
  const whole = { dims: [1, 3, height, width], data: new Float32Array(3 * height * width) };
  const strips = pixels === Number.POSITIVE_INFINITY ? [wholeArea(source)] : stripsOf(wholeArea(source), 1, pixels);
  for (const strip of strips) pastePlanes(whole, strip, await source.read(strip), wholeArea(strip));
  return whole;
}
