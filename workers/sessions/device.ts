import type { Backend } from '../../src/protocol/events.ts';
import type { BackendReport, DeviceMemory, DeviceReport } from '../../src/protocol/studio-api.ts';
import { PROBE_MACS, probeModel } from './probe-model.ts';
import { fetched, type OrtRuntime } from './runtime.ts';

/** Names in adapter descriptions that mean a processor pretending to be a graphics card. */
const SOFTWARE_ADAPTER = /swiftshader|llvmpipe|lavapipe|basic render|software/i;
const PROBE_RUNS = 3;

/**
 * Finds what this device can run on and how fast: a WebGPU adapter and WASM each run a small fixed graph. A hardware adapter that
 * computes is preferred to WASM; a software adapter never is. `override` wins if it works at all; threads that there are not are WASM without.
 */
export async function inspectDevice(runtime: OrtRuntime, threads: number, override: Backend | null): Promise<DeviceReport> {
  const wasm: Backend = threads > 1 ? 'wasm-threads' : 'wasm';
  const adapter = await describeAdapter();
  const candidates: BackendReport[] = [];
  if (adapter.usable || override === 'webgpu') candidates.push(await measureBackend(runtime, 'webgpu', adapter.reason));
  else candidates.push({ backend: 'webgpu', usable: false, probeMs: null, macsPerSecond: null, reason: adapter.reason });
  candidates.push(
    await measureBackend(runtime, wasm, threads > 1 ? `${threads} threads` : 'one thread: the page is not cross-origin isolated'),
  );
  const wanted = override === 'wasm-threads' ? wasm : override;
  const forced = candidates.find(({ backend, usable }) => usable && backend === wanted);
  const gpu = candidates.find(({ backend, usable }) => backend === 'webgpu' && usable && adapter.usable);
  const best = forced ?? gpu ?? candidates.find(({ backend }) => backend === wasm);
  const chosen = best?.backend ?? wasm;
  return {
    chosen,
    reason: forced === undefined ? reasonFor(best, adapter.reason) : `chosen by hand: ${forced.reason}`,
    candidates,
    threads,
    shaderF16: adapter.shaderF16,
    memory: memoryOf(chosen, adapter),
  };
}

/** WebAssembly's 32-bit addresses. */
const WASM_HEAP_BYTES = 2 ** 32;

function memoryOf(chosen: Backend, { bindingBytes }: AdapterReport): DeviceMemory {
  // Chromium alone says it, rounded
  const { deviceMemory } = navigator as { readonly deviceMemory?: number };
  return {
    totalBytes: deviceMemory === undefined ? null : deviceMemory * 2 ** 30,
    programBytes: 0,
    heapBytes: chosen === 'webgpu' ? null : WASM_HEAP_BYTES,
    bindingBytes: chosen === 'webgpu' ? bindingBytes : null,
  };
}

/** Backends to try in order: the chosen one, then WASM. */
export function fallbackOrder({ chosen, candidates }: DeviceReport): Backend[] {
  const others = candidates.filter(({ backend, usable }) => usable && backend !== chosen && backend !== 'webgpu');
  return [chosen, ...others.map(({ backend }) => backend)];
}

function reasonFor(best: BackendReport | undefined, gpuReason: string): string {
  if (best === undefined) return 'nothing else is there';
  return best.backend === 'webgpu' ? best.reason : `${best.reason}; WebGPU: ${gpuReason}`;
}

interface AdapterReport {
  readonly usable: boolean;
  readonly reason: string;
  readonly shaderF16: boolean;
  readonly bindingBytes: number | null;
}

async function describeAdapter(): Promise<AdapterReport> {
  const gpu = (navigator as { readonly gpu?: GpuEntry }).gpu;
  if (gpu === undefined) return { usable: false, reason: 'this browser has no WebGPU', shaderF16: false, bindingBytes: null };
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  if (adapter === null) return { usable: false, reason: 'no graphics adapter answers', shaderF16: false, bindingBytes: null };
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const name = [vendor, architecture, description].filter((part) => part !== '').join(' ');
  const software = isFallbackAdapter === true || SOFTWARE_ADAPTER.test(name);
  const reason = software ? `only a software adapter (${name || 'unnamed'})` : name || 'a hardware adapter';
  const bindingBytes = Math.min(adapter.limits.maxBufferSize, adapter.limits.maxStorageBufferBindingSize);
  return { usable: !software, reason, shaderF16: adapter.features.has('shader-f16'), bindingBytes };
}

/** The part of WebGPU that is asked here; TypeScript's own types of it are not complete yet. */
interface GpuEntry {
  requestAdapter(options: { readonly powerPreference: 'high-performance' }): Promise<{
    readonly info: {
      readonly vendor: string;
      readonly architecture: string;
      readonly description: string;
      readonly isFallbackAdapter?: boolean;
    };
    readonly features: ReadonlySet<string>;
    readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number };
  } | null>;
}

/** Whether a backend computes the small fixed graph rightly, and how fast. Throws nothing: what fails is not usable. `what`: its name for people. */
export async function measureBackend(runtime: OrtRuntime, backend: Backend, what: string): Promise<BackendReport> {
  try {
    const { graph, feeds, isRight } = probeModel();
    const session = await runtime.create({ graph, externalData: [] }, backend);
    try {
      const right = isRight(await fetched(await session.run(feeds)));
      if (!right) return { backend, usable: false, probeMs: null, macsPerSecond: null, reason: `${what}: computes wrong numbers` };
      const began = performance.now();
      for (let run = 0; run < PROBE_RUNS; run++) await fetched(await session.run(feeds));
      const probeMs = (performance.now() - began) / PROBE_RUNS;
      return { backend, usable: true, probeMs, macsPerSecond: PROBE_MACS / (probeMs / 1000), reason: what };
    } finally {
      await session.dispose();
    }
  } catch (error) {
    return {
      backend,
      usable: false,
      probeMs: null,
      macsPerSecond: null,
      reason: `${what}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}
