// The page's sole import of ONNX Runtime. Two builds: the plain one for WASM, since the WebGPU one pays for suspending
// inside WASM calls. Each is loaded when a backend first asks for it, with its files served by this site.

import gpuModuleUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url';
import gpuUrl from 'onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url';
import wasmModuleUrl from 'onnxruntime-web/ort-wasm-simd-threaded.mjs?url';
import wasmUrl from 'onnxruntime-web/ort-wasm-simd-threaded.wasm?url';
import { PROCESSOR } from '../../src/core/arithmetic.ts';
import type { Backend } from '../../src/protocol/events.ts';
import { GpuArithmetic } from './gpu-arithmetic.ts';
import { type OrtRuntime, ortOptions, readModel, wrapSession } from './runtime.ts';

/** More threads than this slow small graphs down. */
const MAX_THREADS = 8;

/** Threads WASM runs with on this page: one unless it is cross-origin isolated. `limit` caps them. */
export function wasmThreads(limit = MAX_THREADS): number {
  return globalThis.crossOriginIsolated ? Math.max(1, Math.min(navigator.hardwareConcurrency, limit)) : 1;
}

/** On the device of the sessions there are: ONNX Runtime closes it with the last and opens another with the next. */
let gpu: GpuArithmetic | null = null;

/** ONNX Runtime in the browser. Threads are fixed with the first WASM session, as ONNX Runtime fixes them. */
export const webRuntime: OrtRuntime = {
  async create(model, backend, options) {
    const { graph, externalData } = await readModel(model);
    if (backend === 'webgpu') {
      const ort = await import('onnxruntime-web/webgpu');
      ort.env.wasm.wasmPaths = { wasm: gpuUrl, mjs: gpuModuleUrl };
      ort.env.wasm.numThreads = 1;
      const session = await ort.InferenceSession.create(graph, {
        ...ortOptions(options),
        executionProviders: ['webgpu'],
        preferredOutputLocation: 'gpu-buffer',
        externalData,
      });
      const device = await ort.env.webgpu.device;
      if (gpu?.device !== device) gpu = new GpuArithmetic(device);
      return wrapSession(ort, session, gpu);
    }
    const ort = await import('onnxruntime-web/wasm');
    ort.env.wasm.wasmPaths = { wasm: wasmUrl, mjs: wasmModuleUrl };
    ort.env.wasm.numThreads = threadsOf(backend);
    return wrapSession(
      ort,
      await ort.InferenceSession.create(graph, { ...ortOptions(options), executionProviders: ['wasm'], externalData }),
    );
  },

  arithmetic: (backend) => (backend === 'webgpu' ? (gpu ?? PROCESSOR) : PROCESSOR),
};

function threadsOf(backend: Backend): number {
  return backend === 'wasm-threads' ? wasmThreads() : 1;
}
