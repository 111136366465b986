import { ddim, ddpm, spacedDdpm } from './ddpm.ts';
import type { SchedulerConfig } from './schedule.ts';
import type { Sampler } from './step.ts';
import { unipc } from './unipc.ts';

const OPEN = { ddpm, ddim, 'spaced-ddpm': spacedDdpm, unipc } as const satisfies Readonly<
  Record<string, (config: SchedulerConfig, steps: number) => Sampler>
>;

/** The named sampler. Throws RangeError for a number of steps it cannot take. */
export function openSampler(name: keyof typeof OPEN, config: SchedulerConfig, steps: number): Sampler {
  return OPEN[name](config, steps);
}
