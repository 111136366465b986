// The command line's sole import of ONNX Runtime.
import * as ort from 'onnxruntime-node';
import { type OrtRuntime, ortOptions, readModel, wrapSession } from '../workers/sessions/runtime.ts';

/** ONNX Runtime in Node: `cpu`, or `webgpu` (Dawn) where a Vulkan, Metal or Direct3D driver is installed. */
export const nodeRuntime: OrtRuntime = {
  async create(model, backend, options) {
    const executionProviders = [backend === 'webgpu' ? 'webgpu' : 'cpu'];
    const { graph, externalData } = await readModel(model);
    return wrapSession(ort, await ort.InferenceSession.create(graph, { ...ortOptions(options), executionProviders, externalData }));
  },
};
