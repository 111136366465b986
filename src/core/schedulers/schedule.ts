/** The part of diffusers' scheduler configuration that determines a run, under diffusers' own names. */
export interface SchedulerConfig {
  readonly num_train_timesteps: number;
  readonly beta_start: number;
  readonly beta_end: number;
  readonly beta_schedule: 'scaled_linear';
  readonly steps_offset: number;
  readonly timestep_spacing: 'leading';
  readonly prediction_type: 'epsilon' | 'v_prediction' | 'sample';
  readonly clip_sample: false;
  readonly set_alpha_to_one: boolean;
  readonly variance_type: 'fixed_small';
}

/**
 * ᾱ_t for t = 0 … T − 1: the running product of 1 − β, β "scaled_linear" (squares of a line between the roots of its ends).
 * Doubles; diffusers computes in float32, which differs by under 1e-6 relative.
 */
export function alphasCumprod(config: SchedulerConfig): Float64Array {
  const { num_train_timesteps: count, beta_start, beta_end } = config;
  const out = new Float64Array(count);
  const first = Math.sqrt(beta_start);
  const step = (Math.sqrt(beta_end) - first) / (count - 1);
  let product = 1;
  for (let t = 0; t < count; t++) {
    product *= 1 - (first + step * t) ** 2;
    out[t] = product;
  }
  return out;
}

/** `steps` timesteps, descending, spacing "leading": 981, 961, …, 1 for 50. Throws RangeError outside 1 … T. */
export function samplingTimesteps(config: SchedulerConfig, steps: number): number[] {
  const { num_train_timesteps: count, steps_offset: offset } = config;
  if (!Number.isInteger(steps) || steps < 1 || steps > count) throw new RangeError(`expected 1 to ${count} steps, got ${steps}`);
  const ratio = Math.floor(count / steps);
  return Array.from({ length: steps }, (_, index) => (steps - 1 - index) * ratio + offset);
}

/** Timestep a sampler steps to from `timestep`, as diffusers has it: one stride back, below 0 at the end. */
export function followingTimestep(config: SchedulerConfig, steps: number, timestep: number): number {
  return timestep - Math.floor(config.num_train_timesteps / steps);
}
