import { type Area, checkInside, wholeArea } from '../../src/core/area.ts';
import { type AnyTensor, type Arithmetic, type Blend, type DeviceTensor, isHere, type SumTerm } from '../../src/core/arithmetic.ts';
import { elementCount, type Tensor } from '../../src/core/tensor.ts';
import { WINDOW_VARIANCE } from '../../src/core/tiling.ts';
import { deviceLost } from './device-lost.ts';
import { BLEND_ADD, BLEND_TAKE, COPY_WINDOW, FIND_FAULT, sumKernel, THREADS } from './gpu-kernels.ts';

/** TypeScript's own types of WebGPU lack its constants. */
declare const GPUBufferUsage: Readonly<Record<'STORAGE' | 'UNIFORM' | 'COPY_SRC' | 'COPY_DST' | 'MAP_READ', number>>;
declare const GPUMapMode: Readonly<Record<'READ', number>>;

/** Every thread of a kernel goes on in strides, so that no size needs more of them than a device starts at once. */
const MOST_GROUPS = 4096;
/** Storage buffers that every device binds at once, less the one that is written. */
const MOST_TERMS = 7;
const FLOAT_BYTES = 4;

/** A tensor in a buffer of a graphics device. */
export class GpuTensor implements DeviceTensor {
  readonly dims: readonly number[];
  readonly arithmetic: GpuArithmetic;
  readonly buffer: GPUBuffer;
  #release: (() => void) | null;

  constructor(arithmetic: GpuArithmetic, buffer: GPUBuffer, dims: readonly number[], release: () => void) {
    this.arithmetic = arithmetic;
    this.buffer = buffer;
    this.dims = dims;
    this.#release = release;
  }

  dispose(): void {
    this.#release?.();
    this.#release = null;
  }
}

/** A number of a kernel's: whole, or with a point. */
type KernelNumber = number | { readonly float: number };

/** Arithmetic in compute shaders of the device that graphs run on, in its queue's order. */
export class GpuArithmetic implements Arithmetic {
  readonly device: GPUDevice;
  readonly #pipelines = new Map<string, GPUComputePipeline>();

  constructor(device: GPUDevice) {
    this.device = device;
  }

  put({ dims, data }: Tensor): GpuTensor {
    const tensor = this.#empty(dims);
    this.device.queue.writeBuffer(tensor.buffer, 0, data);
    return tensor;
  }

  sum(terms: readonly SumTerm[], offset = 0): GpuTensor {
    const [first] = terms;
    if (first === undefined || terms.length > MOST_TERMS) throw new RangeError(`expected 1 to ${MOST_TERMS} terms, got ${terms.length}`);
    const out = this.#empty([1, ...first.tensor.dims.slice(1)]);
    const count = elementCount(out.dims);
    const numbers = terms.flatMap(({ weight, sample }): KernelNumber[] => [{ float: weight }, sample * count, 0, 0]);
    this.#with(
      terms.map(({ tensor }) => tensor),
      (parts) => this.#dispatch(sumKernel(terms.length), count, [count, { float: offset }, 0, 0, ...numbers], [out, ...parts]),
    );
    return out;
  }

  crop(planes: AnyTensor, area: Area): AnyTensor {
    const [batch = 0, channels = 0, rows = 0, columns = 0] = planes.dims;
    checkInside(area, { height: rows, width: columns });
    if (area.height === rows && area.width === columns) return planes;
    const out = this.#empty([batch, channels, area.height, area.width]);
    this.paste(out, wholeArea(area), planes, area);
    return out;
  }

  stack(parts: readonly AnyTensor[]): GpuTensor {
    const [first] = parts;
    if (first === undefined || parts.some(({ dims }) => dims.join() !== first.dims.join() || dims[0] !== 1)) {
      throw new RangeError('expected tensors [1, …] of equal dims');
    }
    const out = this.#empty([parts.length, ...first.dims.slice(1)]);
    const bytes = FLOAT_BYTES * elementCount(first.dims);
    this.#with(parts, (there) => {
      const encoder = this.device.createCommandEncoder();
      there.forEach(({ buffer }, i) => {
        encoder.copyBufferToBuffer(buffer, 0, out.buffer, i * bytes, bytes);
      });
      this.device.queue.submit([encoder.finish()]);
    });
    return out;
  }

  /** A new buffer's numbers are zero. */
  zeros(dims: readonly number[]): GpuTensor {
    return this.#empty(dims);
  }

  paste(whole: AnyTensor, to: Area, part: AnyTensor, from: Area): void {
    if (!(whole instanceof GpuTensor)) throw new TypeError('expected to write to a tensor of the device');
    const [batch = 0, channels = 0, rows = 0, columns = 0] = whole.dims;
    const [, , partRows = 0, partColumns = 0] = part.dims;
    const count = batch * channels * to.height * to.width;
    const numbers = [count, to.height, to.width, partRows, partColumns, from.top, from.left, rows, columns, to.top, to.left, 0];
    this.#with([part], (parts) => this.#dispatch(COPY_WINDOW, count, numbers, [whole, ...parts]));
  }

  blend(batch: number, channels: number, rows: number, width: number, top: number): Blend {
    let first = top;
    let sum = this.zeros([batch, channels, rows, width]);
    let weight = this.zeros([1, 1, rows, width]);
    /** What lies below the rows taken out, with room beneath for the tiles to come. */
    const moved = (from: GpuTensor, by: number): GpuTensor => {
      const to = this.zeros(from.dims);
      if (by < rows) {
        const left = { left: 0, height: rows - by, width };
        this.paste(to, { top: 0, ...left }, from, { top: by, ...left });
      }
      from.dispose();
      return to;
    };
    return {
      add: (tile, part) => {
        const at = tile.top - first;
        if (at < 0 || at + tile.height > rows) {
          throw new RangeError(`expected a tile within rows ${first} … ${first + rows}, got ${tile.top} … ${tile.top + tile.height}`);
        }
        const count = batch * channels * tile.height * tile.width;
        const numbers = [count, tile.height, tile.width, rows, width, at, tile.left, { float: WINDOW_VARIANCE }];
        this.#with([part], (parts) => this.#dispatch(BLEND_ADD, count, numbers, [sum, weight, ...parts]));
      },
      take: (until) => {
        const out = this.#empty([batch, channels, until - first, width]);
        const count = elementCount(out.dims);
        this.#dispatch(BLEND_TAKE, count, [count, until - first, width, rows], [out, sum, weight]);
        [sum, weight] = [moved(sum, until - first), moved(weight, until - first)];
        first = until;
        return out;
      },
      dispose: () => {
        sum.dispose();
        weight.dispose();
      },
    };
  }

  /** In one copy and one mapping for all of them. Throws StudioError `device-lost`. */
  async read(tensors: readonly AnyTensor[]): Promise<Tensor[]> {
    const there = tensors.filter((tensor): tensor is GpuTensor => !isHere(tensor));
    const data = await this.#fetch(there.map(({ buffer, dims }) => ({ buffer, bytes: FLOAT_BYTES * elementCount(dims) })));
    const read = new Map(there.map((tensor, i) => [tensor as AnyTensor, data[i] ?? new Float32Array(0)]));
    return tensors.map((tensor) => (isHere(tensor) ? tensor : { dims: tensor.dims, data: read.get(tensor) ?? new Float32Array(0) }));
  }

  async isFinite(tensors: readonly AnyTensor[]): Promise<boolean> {
    const flag = this.zeros([1]);
    this.#with(tensors, (there) => {
      for (const tensor of there) {
        const count = elementCount(tensor.dims);
        this.#dispatch(FIND_FAULT, count, [count, 0, 0, 0], [flag, tensor]);
      }
    });
    const [found] = await this.read([flag]);
    flag.dispose();
    return found?.data[0] === 0;
  }

  #empty(dims: readonly number[]): GpuTensor {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.device.createBuffer({ size: FLOAT_BYTES * elementCount(dims), usage });
    return new GpuTensor(this, buffer, dims, () => buffer.destroy());
  }

  /** Gives tensors of the processor a place here while something is done with them. */
  #with(tensors: readonly AnyTensor[], work: (there: readonly GpuTensor[]) => void): void {
    const put: GpuTensor[] = [];
    work(
      tensors.map((tensor) => {
        if (tensor instanceof GpuTensor) return tensor;
        if (!isHere(tensor)) throw new TypeError('expected tensors of this device');
        const there = this.put(tensor);
        put.push(there);
        return there;
      }),
    );
    for (const tensor of put) tensor.dispose();
  }

  /** Runs a kernel over `count` places, with its numbers and its tensors, those it writes first. */
  #dispatch(code: string, count: number, numbers: readonly KernelNumber[], tensors: readonly GpuTensor[]): void {
    const words = new DataView(new ArrayBuffer(FLOAT_BYTES * numbers.length));
    numbers.forEach((value, i) => {
      if (typeof value === 'number') words.setUint32(FLOAT_BYTES * i, value, true);
      else words.setFloat32(FLOAT_BYTES * i, value.float, true);
    });
    const uniform = this.device.createBuffer({ size: words.byteLength, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    this.device.queue.writeBuffer(uniform, 0, words.buffer);
    const pipeline = this.#pipelineOf(code);
    const buffers = [uniform, ...tensors.map(({ buffer }) => buffer)];
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
    const encoder = this.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, this.device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(Math.min(MOST_GROUPS, Math.ceil(count / THREADS)));
    pass.end();
    this.device.queue.submit([encoder.finish()]);
    uniform.destroy();
  }

  #pipelineOf(code: string): GPUComputePipeline {
    const known = this.#pipelines.get(code);
    if (known !== undefined) return known;
    const module = this.device.createShaderModule({ code });
    const pipeline = this.device.createComputePipeline({ layout: 'auto', compute: { module } });
    this.#pipelines.set(code, pipeline);
    return pipeline;
  }

  async #fetch(parts: readonly { readonly buffer: GPUBuffer; readonly bytes: number }[]): Promise<Float32Array<ArrayBuffer>[]> {
    const size = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    if (size === 0) return [];
    const staging = this.device.createBuffer({ size, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ });
    try {
      const encoder = this.device.createCommandEncoder();
      let at = 0;
      for (const { buffer, bytes } of parts) {
        encoder.copyBufferToBuffer(buffer, 0, staging, at, bytes);
        at += bytes;
      }
      this.device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      const all = new Float32Array(staging.getMappedRange().slice(0));
      let from = 0;
      return parts.map(({ bytes }) => {
        const until = from + bytes / FLOAT_BYTES;
        const data = parts.length === 1 ? all : all.slice(from, until);
        from = until;
        return data;
      });
    } catch (cause) {
      // nothing else keeps a buffer from being mapped
      throw deviceLost({}, cause);
    } finally {
      staging.destroy();
    }
  }
}
