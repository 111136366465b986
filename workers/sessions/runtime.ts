import type { Tensor } from '../../src/core/tensor.ts';
import type { Backend } from '../../src/protocol/events.ts';

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

/** What sessions need of ONNX Runtime; the page's and Node's builds each provide it once. */
export interface OrtRuntime {
  create(model: Uint8Array, backend: Backend): Promise<RawSession>;
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
