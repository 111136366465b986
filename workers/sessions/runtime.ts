import type { Tensor } from '../../src/core/tensor.ts';
import type { Backend } from '../../src/protocol/events.ts';
import type { SessionOptions } from '../../src/protocol/manifest.ts';

/** Token ids on their way into a graph. */
export interface IdTensor {
  readonly dims: readonly number[];
  readonly data: BigInt64Array;
}

export type Feeds = Readonly<Record<string, Tensor | IdTensor>>;
export type Fetches = Readonly<Record<string, Tensor>>;

/** One compiled graph on one backend. */
export interface RawSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Feeds): Promise<Fetches>;
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
  };
}

interface OrtTensor {
  readonly dims: readonly number[];
  readonly type: string;
  getData(): Promise<unknown>;
  dispose(): void;
}

interface OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  run(feeds: Record<string, OrtTensor>): Promise<Readonly<Record<string, OrtTensor>>>;
  release(): Promise<void>;
}

/** Wraps a session of either build: tensors in, tensors out, nothing of ONNX Runtime's left behind. */
export function wrapSession(ort: OrtModule, session: OrtSession): RawSession {
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(feeds) {
      const inputs = Object.fromEntries(
        Object.entries(feeds).map(([name, { data, dims }]) => [
          name,
          data instanceof BigInt64Array ? new ort.Tensor('int64', data, dims) : new ort.Tensor('float32', data, dims),
        ]),
      );
      const outputs = await session.run(inputs);
      const fetched: Record<string, Tensor> = {};
      for (const [name, output] of Object.entries(outputs)) {
        const data = await output.getData();
        if (!(data instanceof Float32Array)) throw new TypeError(`expected float32 from ${name}, got ${output.type}`);
        fetched[name] = { dims: output.dims, data: new Float32Array(data) };
        output.dispose();
      }
      return fetched;
    },
    dispose: () => session.release(),
  };
}
