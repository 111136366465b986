import { dependencies, version } from '../../package.json';
import type { Backend } from '../protocol/events.ts';
import type { StudioState } from './state.ts';

/** Facts of one kind, each with its name. */
export interface FactGroup {
  readonly title: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
}

export const BACKEND_NAMES: Readonly<Record<Backend, string>> = {
  webgpu: 'WebGPU',
  'wasm-threads': 'WASM, threads',
  wasm: 'WASM, one thread',
  cpu: 'CPU',
};

/** What of the page's surroundings a report needs. */
export interface Surroundings {
  readonly browser: string;
  readonly isolated: boolean;
  readonly cores: number;
}

/** Libraries whose version tells in a result, or in a failure. */
const LIBRARIES = ['onnxruntime-web', 'wasm-vips', 'react'] as const;

/**
 * All that is known of the device and what runs on it: what was chosen and why, what was probed, what bounds a run, the latest run's times,
 * versions. Nothing of pictures, nor of what was asked of them.
 */
export function deviceFacts(
  state: Pick<StudioState, 'device' | 'runs' | 'manifests' | 'bundles'>,
  around: Surroundings,
): readonly FactGroup[] {
  const { device, bundles, runs } = state;
  const versions: FactGroup = {
    title: 'Versions',
    facts: [
      ['Studio', version],
      ...LIBRARIES.map((name) => [name, dependencies[name]] as const),
      ['Browser', around.browser],
      ['Models', bundles.map(({ id }) => id).join(', ') || 'none listed'],
    ],
  };
  if (device === null) return [versions];
  const { chosen, reason, candidates, threads, shaderF16, memory } = device;
  const last = runs.find(({ finished }) => finished !== null)?.finished;
  const backend: FactGroup = {
    title: 'Backend',
    facts: [
      ['Chosen', BACKEND_NAMES[chosen]],
      ['Why', reason],
    ],
  };
  const probed: FactGroup = {
    title: 'Probed',
    facts: candidates.map(({ backend: name, usable, probeMs, macsPerSecond, reason: why }) => {
      const speed = macsPerSecond === null ? '' : `, ${(macsPerSecond / 1e9).toFixed(1)} billion multiplications a second`;
      const measured = usable && probeMs !== null ? `${probeMs.toFixed(1)} ms for a small test${speed}` : 'not used';
      return [BACKEND_NAMES[name], `${measured} (${why})`] as const;
    }),
  };
  const limits: FactGroup = {
    title: 'Limits',
    facts: [
      ['Memory', bytes(memory.totalBytes, 'the browser does not say')],
      ['Held before a run', bytes(memory.programBytes || null, 'cannot be asked')],
      ['Address space of WASM', bytes(memory.heapBytes, 'none')],
      ['Largest buffer of the GPU', bytes(memory.bindingBytes, 'none')],
      ['Threads', `${threads} of ${around.cores} cores`],
      ['Half precision on the GPU', shaderF16 ? 'yes' : 'no'],
      ['Cross-origin isolated', around.isolated ? 'yes' : 'no: one thread, and no colour profiles'],
    ],
  };
  const total = last?.timings.reduce((sum, { seconds }) => sum + seconds, 0) ?? 0;
  const timings: FactGroup = {
    title: 'Latest run',
    facts:
      last == null
        ? [['Seconds', 'none yet']]
        : [
            ['Model', `${last.recipe.bundleTitle}, on ${BACKEND_NAMES[last.recipe.backend]}`],
            ...last.timings.map(({ stage, seconds }) => [stage, `${seconds.toFixed(2)} s`] as const),
            ['In all', `${total.toFixed(2)} s, of which ${last.graphSeconds.toFixed(2)} s inside the model`],
          ],
  };
  return [backend, probed, limits, timings, versions];
}

/** The facts as text, for a report. */
export function factsText(groups: readonly FactGroup[]): string {
  return groups.map(({ title, facts }) => [title, ...facts.map(([name, value]) => `  ${name}: ${value}`)].join('\n')).join('\n\n');
}

function bytes(count: number | null, unknown: string): string {
  return count === null ? unknown : `${(count / 2 ** 30).toFixed(1)} GiB`;
}
