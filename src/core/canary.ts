import { elementCount, type Tensor } from './tensor.ts';

/** What a graph must give for a known input: shape and a few statistics, the numbers that a broken kernel changes. */
export interface ExpectedOutput {
  readonly dims: readonly number[];
  readonly mean: number;
  readonly std: number;
  /** The first values, in order. */
  readonly first: readonly number[];
}

/** A fixed pseudo-random input in −scale…scale: element i is scale · (((i · 7919) mod 1013) / 1013 · 2 − 1). */
export function ramp(dims: readonly number[], scale: number): Tensor {
  const data = new Float32Array(elementCount(dims));
  for (let i = 0; i < data.length; i++) data[i] = scale * ((((i * 7919) % 1013) / 1013) * 2 - 1);
  return { dims, data };
}

/** Why `actual` is not what was expected, or null when it is: every figure within `tolerance` standard deviations of the output. */
export function canaryFault(actual: Tensor, expected: ExpectedOutput, tolerance: number): string | null {
  if (actual.dims.join() !== expected.dims.join()) {
    return `dims [${actual.dims.join(', ')}] instead of [${expected.dims.join(', ')}]`;
  }
  const { mean, std } = statistics(actual.data);
  const bound = tolerance * Math.max(expected.std, 1e-6);
  const figures = [
    ['mean', mean, expected.mean],
    ['std', std, expected.std],
    ...expected.first.map((value, i) => [`value ${i}`, actual.data[i] ?? Number.NaN, value] as const),
  ] as const;
  for (const [name, got, wanted] of figures) {
    if (!(Math.abs(got - wanted) <= bound)) return `${name} ${got.toPrecision(4)} instead of ${wanted.toPrecision(4)}`;
  }
  return null;
}

function statistics(data: Float32Array): { mean: number; std: number } {
  let sum = 0;
  for (const value of data) sum += value;
  const mean = sum / data.length;
  let squares = 0;
  for (const value of data) squares += (value - mean) ** 2;
  return { mean, std: Math.sqrt(squares / data.length) };
}
