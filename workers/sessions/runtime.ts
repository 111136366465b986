import { type AnyTensor, type Arithmetic, arithmeticOf, free, isHere } from '../../src/core/arithmetic.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import type { Backend } from '../../src/protocol/events.ts';
import type { SessionOptions } from '../../src/protocol/manifest.ts';
import { type GpuArithmetic, GpuTensor } from './gpu-arithmetic.ts';

/** Token ids on their way into a graph. */
export interface IdTensor {
  readonly dims: readonly number[];
  readonly data: BigInt64Array;
}

export type Feeds = Readonly<Record<string, AnyTensor | IdTensor>>;
/** Outputs on the processor. */
export type Fetches = Readonly<Record<string, Tensor>>;
/** Outputs where they were computed; whoever asked frees them. */
export type Outputs = Readonly<Record<string, AnyTensor>>;

/** One compiled graph on one backend. */
export interface RawSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Feeds): Promise<Outputs>;
  dispose(): Promise<void>;
}

/** A graph's files, read when a session is made of them: the graph, and what of its weights is stored beside it, under the names that it gives. */
export interface ModelFiles {
  readonly graph: Blob;
  readonly externalData: readonly { readonly path: string; readonly data: Blob }[];
}

/** What sessions need of ONNX Runtime; the page's and Node's builds each provide it once. */
export interface OrtRuntime {
  create(model: ModelFiles, backend: Backend, options?: SessionOptions): Promise<RawSession>;
  /** What computes with a backend's tensors where they lie, once there is a session on it; the processor where it is not said. */
  arithmetic?(backend: Backend): Arithmetic;
}

/** Outputs brought to the processor, those elsewhere freed. */
export async function fetched(outputs: Outputs): Promise<Fetches> {
  const names = Object.keys(outputs);
  const tensors = Object.values(outputs);
  const [first] = tensors;
  if (first === undefined || tensors.every(isHere)) return outputs as Fetches;
  try {
    const read = await arithmeticOf(first).read(tensors);
    return Object.fromEntries(names.map((name, i) => [name, read[i] as Tensor]));
  } finally {
    tensors.forEach(free);
  }
}

const EVERYTHING: SessionOptions = { memoryArena: true, memoryPattern: true, prepacking: true };

/** The options as ONNX Runtime names them. */
export function ortOptions({ memoryArena, memoryPattern, prepacking }: SessionOptions = EVERYTHING) {
  const extra = { session: { disable_prepacking: prepacking ? '0' : '1' } };
  return { enableCpuMemArena: memoryArena, enableMemPattern: memoryPattern, extra };
}

/** The files in memory, as ONNX Runtime takes them. */
export async function readModel({ graph, externalData }: ModelFiles) {
  const read = async (file: Blob): Promise<Uint8Array> => new Uint8Array(await file.arrayBuffer());
  return {
    graph: await read(graph),
    externalData: await Promise.all(externalData.map(async ({ path, data }) => ({ path, data: await read(data) }))),
  };
}

/** The part of ONNX Runtime's API both builds share, as far as it is used. */
interface OrtModule {
  readonly Tensor: {
    new (type: 'float32', data: Float32Array, dims: readonly number[]): OrtTensor;
    new (type: 'int64', data: BigInt64Array, dims: readonly number[]): OrtTensor;
    fromGpuBuffer(buffer: GPUBuffer, options: { readonly dataType: 'float32'; readonly dims: readonly number[] }): OrtTensor;
  };
}

interface OrtTensor {
  readonly dims: readonly number[];
  readonly type: string;
  readonly location: string;
  /** Throws for a tensor that is not in one. */
  readonly gpuBuffer: GPUBuffer;
  getData(): Promise<unknown>;
  dispose(): void;
}

interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, OrtTensor>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/**
 * Wraps a session of either build: tensors in, tensors out, nothing of ONNX Runtime's left behind. `gpu`: computes with the outputs of a
 * session that leaves them in its device's buffers, and what it holds may be fed as it is; null where all is on the processor.
 */
export function wrapSession(ort: OrtModule, session: OrtSession, gpu: GpuArithmetic | null = null): RawSession {
  const toOrt = async (feed: AnyTensor | IdTensor): Promise<OrtTensor> => {
    const { dims } = feed;
    if (feed instanceof GpuTensor && feed.arithmetic === gpu) return ort.Tensor.fromGpuBuffer(feed.buffer, { dataType: 'float32', dims });
    if (!('data' in feed)) return toOrt((await feed.arithmetic.read([feed]))[0] as Tensor);
    const { data } = feed;
    return data instanceof BigInt64Array ? new ort.Tensor('int64', data, dims) : new ort.Tensor('float32', data, dims);
  };
  const fromOrt = async (name: string, output: OrtTensor): Promise<AnyTensor> => {
    const { type, dims, location } = output;
    if (type !== 'float32') throw new TypeError(`expected float32 from ${name}, got ${type}`);
    if (gpu !== null && location === 'gpu-buffer') return new GpuTensor(gpu, output.gpuBuffer, dims, () => output.dispose());
    // every run's outputs are arrays of their own
    return { dims, data: (await output.getData()) as Float32Array<ArrayBuffer> };
  };
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(feeds) {
      const inputs: Record<string, OrtTensor> = {};
      for (const [name, feed] of Object.entries(feeds)) inputs[name] = await toOrt(feed);
      const outputs: Record<string, AnyTensor> = {};
      for (const [name, output] of Object.entries(await session.run(inputs))) outputs[name] = await fromOrt(name, output);
      return outputs;
    },
    dispose: () => session.release(),
  };
}
