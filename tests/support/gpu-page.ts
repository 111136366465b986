import type { Area } from '../../src/core/area.ts';
import { type AnyTensor, type Arithmetic, PROCESSOR, type SumTerm } from '../../src/core/arithmetic.ts';
import { NoiseGenerator } from '../../src/core/random.ts';
import { openSampler } from '../../src/core/schedulers/sampler.ts';
import type { SchedulerConfig } from '../../src/core/schedulers/schedule.ts';
import { takeStep } from '../../src/core/schedulers/step.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { overlappingTiles } from '../../src/core/tiling.ts';
import type { SamplerName } from '../../src/protocol/request.ts';
import { GpuArithmetic } from '../../workers/sessions/gpu-arithmetic.ts';

/** What a test asks of the page: the same done on its graphics device and on the processor. */
export interface GpuPage {
  /** Dims of what both give, and the largest difference of their numbers. */
  compare(what: keyof typeof WORKS): Promise<{ readonly dims: readonly (readonly number[])[]; readonly apart: number }>;
  sample(name: SamplerName, config: SchedulerConfig, steps: number, guidance: number): Promise<number>;
  isFinite(value: number, place: number): Promise<boolean>;
  /** The code of the error that reading gives once the device is gone. */
  readLost(): Promise<string>;
}

const noise = new NoiseGenerator(3);
const [ROWS, COLUMNS] = [37, 29];
const planes = noise.normal([2, 3, ROWS, COLUMNS]);
const singles = [1, 2, 3, 4, 5].map(() => noise.normal([1, 3, ROWS, COLUMNS]));
/** More numbers than there are threads at once. */
const long = noise.normal([1, 1, 1, 300_001]);

type Put = (tensor: Tensor) => AnyTensor;

const term = (weight: number, tensor: AnyTensor, sample = 0): SumTerm => ({ weight, tensor, sample });

function tiled(arithmetic: Arithmetic, put: Put): AnyTensor[] {
  const tiles = overlappingTiles(ROWS, COLUMNS, 16, 6);
  const bands: AnyTensor[] = [];
  const blend = arithmetic.blend(2, 3, 16, COLUMNS, 0);
  let done = 0;
  const take = (until: number): void => {
    bands.push(blend.take(until));
    done = until;
  };
  for (const tile of tiles) {
    if (tile.top > done) take(tile.top);
    blend.add(tile, arithmetic.crop(put(planes), tile));
  }
  take(ROWS);
  return bands;
}

const SOME: Area = { top: 5, left: 7, height: 11, width: 13 };

const WORKS = {
  'a sum of one': (a: Arithmetic, put: Put) => [a.sum([term(1, put(singles[0] as Tensor))])],
  'a sum of seven, with an offset': (a: Arithmetic, put: Put) => [
    a.sum([...singles.map((tensor, i) => term(0.5 - i, put(tensor))), term(2, put(planes), 0), term(-3, put(planes), 1)], 0.25),
  ],
  'a long sum': (a: Arithmetic, put: Put) => [a.sum([term(0.5, put(long)), term(2, put(long))])],
  'a sum with some of the processor': (a: Arithmetic, put: Put) => [
    a.sum([term(2, put(singles[0] as Tensor)), term(3, singles[1] as Tensor)]),
  ],
  'an area': (a: Arithmetic, put: Put) => [a.crop(put(planes), SOME)],
  'all there is': (a: Arithmetic, put: Put) => [a.crop(put(planes), { top: 0, left: 0, height: ROWS, width: COLUMNS })],
  'a stack': (a: Arithmetic, put: Put) => [a.stack(singles.map(put))],
  'an area written into another': (a: Arithmetic, put: Put) => {
    const whole = a.zeros([2, 3, ROWS + 4, COLUMNS + 4]);
    a.paste(whole, { ...SOME, top: 20, left: 3 }, put(planes), SOME);
    return [whole];
  },
  'blended tiles': tiled,
};

async function open(): Promise<{ gpu: GpuArithmetic; device: GPUDevice }> {
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) throw new Error('expected a graphics adapter');
  const device = await adapter.requestDevice();
  // the device says so to nobody but the console
  device.onuncapturederror = ({ error }) => console.error(error.message);
  return { gpu: new GpuArithmetic(device), device };
}

function apart(a: readonly Tensor[], b: readonly Tensor[]): number {
  const differences = a.flatMap(({ data }, i) => Array.from(data, (value, j) => Math.abs(value - (b[i]?.data[j] ?? Number.NaN))));
  return differences.reduce((most, one) => (one <= most ? most : one), 0);
}

const page: GpuPage = {
  async compare(what) {
    const { gpu } = await open();
    const found = await gpu.read(WORKS[what](gpu, (tensor) => gpu.put(tensor)));
    const expected = await PROCESSOR.read(WORKS[what](PROCESSOR, (tensor) => tensor));
    return { dims: [...found, ...expected].map(({ dims }) => dims), apart: apart(found, expected) };
  },

  async sample(name, config, steps, guidance) {
    const { gpu } = await open();
    const sampler = openSampler(name, config, steps);
    const dims = [1, 4, 9, 7];
    const start = noise.normal(dims);
    const draws = sampler.timesteps.map(() => ({ prediction: noise.normal([guidance > 1 ? 2 : 1, 4, 9, 7]), noise: noise.normal(dims) }));
    const walk = async (put: Put, arithmetic: Arithmetic): Promise<Tensor[]> => {
      let [sample, memory]: [AnyTensor, readonly AnyTensor[]] = [put(start), []];
      const all: AnyTensor[] = [];
      for (const [index, drawn] of draws.entries()) {
        const taken = takeStep(sampler.coefficients(index), {
          sample,
          prediction: put(drawn.prediction),
          guidance,
          noise: put(drawn.noise),
          memory,
        });
        [sample, memory] = [taken.next, taken.memory];
        all.push(taken.x0, taken.next);
      }
      return arithmetic.read(all);
    };
    const expected = await walk((tensor) => tensor, PROCESSOR);
    const largest = expected.reduce((most, { data }) => data.reduce((so, value) => Math.max(so, Math.abs(value)), most), 1);
    return apart(await walk((tensor) => gpu.put(tensor), gpu), expected) / largest;
  },

  async isFinite(value, place) {
    const { gpu } = await open();
    const data = new Float32Array(long.data);
    data[place] = value;
    return gpu.isFinite([gpu.put(singles[0] as Tensor), gpu.put({ dims: long.dims, data })]);
  },

  async readLost() {
    const { gpu, device } = await open();
    const tensor = gpu.put(planes);
    device.destroy();
    try {
      await gpu.read([tensor]);
      return 'read';
    } catch (error) {
      return (error as { readonly code?: string }).code ?? String(error);
    }
  },
};

Object.assign(globalThis, { gpuPage: page });
