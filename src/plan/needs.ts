import type { Manifest } from '../protocol/manifest.ts';
import type { DeviceReport } from '../protocol/studio-api.ts';
import { planRun } from './plan-run.ts';
import { gigabytes } from './words.ts';

/** Something that a model cannot do without. */
export interface Need {
  readonly text: string;
  /** Whether this device has it; null while that is not known. */
  readonly met: boolean | null;
}

/** The result that memory is told for: small, as most first ones are. */
const RESULT_PIXELS = 512;
const UNBOUNDED = { totalBytes: Number.POSITIVE_INFINITY, programBytes: 0, heapBytes: null, bindingBytes: null };

/** What a model needs to make a small result by its own settings, and whether the device has it. */
export function needsOf(manifest: Manifest, device: DeviceReport | null): readonly Need[] {
  const { steps, guidance } = manifest.sampling;
  const { scale } = manifest.image;
  const side = Math.ceil(RESULT_PIXELS / scale);
  const image = { height: side, width: side };
  const run = { manifests: [manifest], image, scale, steps, guidance, preview: 'bands', tileCells: null, region: null, depth: 8 } as const;
  const ideal = planRun(run, UNBOUNDED, null);
  const fits = device === null ? null : planRun(run, device.memory, null).kind === 'plan';
  const memory =
    ideal.kind === 'plan' ? [{ text: `${gigabytes(ideal.peakBytes)} of memory for ${side * scale}×${side * scale}`, met: fits }] : [];
  const graphs = Object.values(manifest.graphs).flatMap((chain) => chain ?? []);
  const required = new Set(
    graphs.flatMap(({ requires, computeDtype }) => [...requires, ...(computeDtype === 'float16' ? ['shader-f16'] : [])]),
  );
  return [...memory, ...[...required].map((name) => ({ text: name, met: has(name, device) }))];
}

/** Half precision matters where WebGPU computes; WASM does without. */
function has(name: string, device: DeviceReport | null): boolean | null {
  if (device === null || name !== 'shader-f16') return null;
  return device.shaderF16 || device.chosen !== 'webgpu';
}
