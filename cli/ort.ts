// The command line's sole import of ONNX Runtime.
import * as ort from 'onnxruntime-node';
import { type OrtRuntime, wrapSession } from '../workers/sessions/runtime.ts';

/** ONNX Runtime in Node: `cpu`, or `webgpu` (Dawn) where a Vulkan, Metal or Direct3D driver is installed. */
export const nodeRuntime: OrtRuntime = {
  async create(model, backend) {
    const executionProviders = [backend === 'webgpu' ? 'webgpu' : 'cpu'];
    return wrapSession(ort, await ort.InferenceSession.create(model, { executionProviders }));
  },
};
