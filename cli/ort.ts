// The command line's sole import of ONNX Runtime.
import { availableParallelism } from 'node:os';
import * as ort from 'onnxruntime-node';
import { type OrtRuntime, ortOptions, readModel, wrapSession } from '../workers/sessions/runtime.ts';

/** ONNX Runtime in Node: `cpu`, or `webgpu` (Dawn) where a Vulkan, Metal or Direct3D driver is installed. */
export const nodeRuntime: OrtRuntime = runtimeFor(1);

/** The same for each of several runs at a time, which share the machine's threads. */
export function runtimeFor(runs: number): OrtRuntime {
  const threads = runs === 1 ? {} : { intraOpNumThreads: Math.max(1, Math.floor(availableParallelism() / runs)) };
  return {
    async create(model, backend, options) {
      const executionProviders = [backend === 'webgpu' ? 'webgpu' : 'cpu'];
      const { graph, externalData } = await readModel(model);
      const own = { ...ortOptions(options), ...threads, executionProviders, externalData };
      return wrapSession(ort, await ort.InferenceSession.create(graph, own));
    },
  };
}
