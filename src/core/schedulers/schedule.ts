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
export function leadingTimesteps(config: SchedulerConfig, steps: number): number[] {
  const { num_train_timesteps: count, steps_offset: offset } = config;
  checkSteps(steps, count);
  const ratio = Math.floor(count / steps);
  return Array.from({ length: steps }, (_, index) => (steps - 1 - index) * ratio + offset);
}

/**
 * `steps` timesteps from T − 1 down to 0: 999, 979, …, 20, 0 for 50, and 0 alone for one. As DiffBIR v1 spaces them (guided diffusion's
 * `space_timesteps` with one section): the stride is added up in doubles and rounded half to even. Throws RangeError outside 1 … T.
 */
export function spacedTimesteps(config: SchedulerConfig, steps: number): number[] {
  const { num_train_timesteps: count } = config;
  checkSteps(steps, count);
  const stride = steps === 1 ? 1 : (count - 1) / (steps - 1);
  const times: number[] = [];
  let at = 0;
  for (let i = 0; i < steps; i++) {
    times.push(roundHalfToEven(at));
    at += stride;
  }
  return times.reverse();
}

/** `steps` timesteps, descending, spacing "linspace" without the end at 0: 999, 949, …, 50 for 20. Throws RangeError outside 1 … T. */
export function linspaceTimesteps(config: SchedulerConfig, steps: number): number[] {
  const { num_train_timesteps: count } = config;
  checkSteps(steps, count);
  const step = (count - 1) / steps;
  return Array.from({ length: steps }, (_, index) => roundHalfToEven((steps - index) * step));
}

function checkSteps(steps: number, count: number): void {
  if (!Number.isInteger(steps) || steps < 1 || steps > count) throw new RangeError(`expected 1 to ${count} steps, got ${steps}`);
}

/** Python's and NumPy's rounding. */
function roundHalfToEven(value: number): number {
  const low = Math.floor(value);
  const rest = value - low;
  if (rest !== 0.5) return Math.round(value);
  return low % 2 === 0 ? low : low + 1;
}
