import type { NoiseGenerator } from '../../../src/core/random.ts';
import { openSampler } from '../../../src/core/schedulers/sampler.ts';
import { alphasCumprod } from '../../../src/core/schedulers/schedule.ts';
import { startSample } from '../../../src/core/schedulers/start.ts';
import { type StepOutput, takeStep } from '../../../src/core/schedulers/step.ts';
import type { PlaneSource } from '../../../src/core/sources.ts';
import { stackBatch, type Tensor } from '../../../src/core/tensor.ts';
import { KEPT_X0_BYTES, LIVE_PIXELS } from '../../../src/plan/held.ts';
import { previewRoleOf } from '../../../src/plan/work.ts';
import { isAbort } from '../../../src/protocol/errors.ts';
import type { RestoreRequest } from '../../../src/protocol/request.ts';
import type { PipelineContext } from '../context.ts';
import type { Texts } from './encode-texts.ts';
import { type Lanes, laneAt } from './lanes.ts';
import { type Centre, decoderOf } from './latents.ts';
import { output1 } from './outputs.ts';
import { PreviousStep, previewsOf } from './previews.ts';
import { runTiled } from './tiles.ts';
import type { Scope } from './working-size.ts';

/** What one lane brings to the denoising. */
export interface LaneInputs {
  readonly texts: Texts;
  /** Feeds of the denoiser that stay the same. */
  readonly seen: Readonly<Record<string, Tensor | PlaneSource>>;
  /** The scaled latent [1, C, h, w] sampling may start from. */
  readonly latent: Tensor;
  /** What decoding corrects; null where it does not. */
  readonly centre: Centre | null;
}

/** The last sample of a lane, and what is kept of the x0 predictions of its steps, scaled latents [1, C, h, w]. */
export interface Sampled {
  readonly sample: Tensor;
  /** The newest ones; null for those before. */
  readonly x0ByStep: readonly (Tensor | null)[];
  /** Steps taken when the person stopped the run; null for a run to its end. */
  readonly stoppedAfter: number | null;
}

interface LaneState extends LaneInputs {
  readonly context: PipelineContext;
  sample: Tensor;
  /** What the sampler's last step left for the next. */
  memory: readonly Tensor[];
  readonly x0ByStep: (Tensor | null)[];
  /** A prediction through the cheap decoder where the bundle has one. */
  readonly previewOf: (x0: Tensor) => PlaneSource;
  /** The step that was previewed last. */
  readonly previous: PreviousStep;
}

/**
 * Samples all lanes step by step on the same noise. `noise` has already given `startNoise`; it gives one draw more for a start that is
 * noised twice, then one a step for samplers that use it. A run that was cut off goes on after its last kept step, the noise of the steps
 * before drawn again; one that is stopped after a step ends with the last prediction. Throws AbortError for a stop before that.
 */
export async function denoise(
  lanes: Lanes,
  request: RestoreRequest,
  inputs: readonly LaneInputs[],
  startNoise: Tensor,
  noise: NoiseGenerator,
  scope: Scope,
): Promise<readonly Sampled[]> {
  const [{ manifest, stop, signal, checkpoints, now }] = lanes;
  const alphas = alphasCumprod(manifest.scheduler);
  let second: Tensor | null = null;
  const draw = (): Tensor => noise.normal(startNoise.dims);
  const drawSecond = (): Tensor => {
    second ??= draw();
    return second;
  };
  const kept = (await checkpoints?.load(KEPT_X0_BYTES)) ?? null;
  const taken = kept?.x0ByStep.length ?? 0;
  const sampler = openSampler(request.sampler, manifest.scheduler, request.steps);
  const { timesteps, usesNoise } = sampler;
  const states = lanes.map((context, i): LaneState => {
    const lane = laneAt(inputs, i);
    const start = startSample(request.startPoint, alphas, sampler, lane.latent, startNoise, drawSecond);
    const previewOf = decoderOf(context, lane.centre, previewRoleOf(context.manifest.graphs));
    const { sample, memory } = kept === null ? { sample: start, memory: [] } : laneAt(kept.last.lanes, i);
    return { ...lane, context, previewOf, sample, memory, x0ByStep: [], previous: new PreviousStep() };
  });
  const tell = async (index: number, computed: { readonly computedSteps: number; readonly elapsedMs: number }): Promise<void> => {
    for (const state of states) {
      const { context, previous } = state;
      const x0 = state.x0ByStep.at(-1) ?? null;
      const shown = request.preview === 'none' || x0 === null ? null : state.previewOf(x0);
      const previews = shown === null ? null : await previewsOf(shown, previous, scope.visible, LIVE_PIXELS);
      await context.emit({ type: 'step', index, count: timesteps.length, timestep: timesteps[index] ?? 0, ...computed, previews });
    }
  };
  const takeAgain = (known: readonly Tensor[] | null): void => {
    for (const [i, state] of states.entries()) keep(state, known === null ? null : laneAt(known, i), lanes.length);
  };
  let began: number | null = null;
  for (const index of timesteps.keys()) {
    const drawn = usesNoise ? draw() : null;
    const known = kept?.x0ByStep[index];
    try {
      if (known !== undefined) {
        takeAgain(known);
        await tell(index, { computedSteps: 0, elapsedMs: 0 });
        continue;
      }
      began ??= now();
      const coefficients = sampler.coefficients(index);
      const taking: StepOutput[] = [];
      for (const state of states) {
        const prediction = await predict(state, timesteps[index] ?? 0, scope);
        const { sample, memory } = state;
        taking.push(takeStep(coefficients, { sample, prediction, guidance: request.guidance, noise: drawn, memory }));
      }
      for (const [i, state] of states.entries()) {
        const { x0, next, memory } = laneAt(taking, i);
        state.sample = next;
        state.memory = memory;
        keep(state, x0, lanes.length);
      }
      await checkpoints?.save({
        lanes: states.map(({ x0ByStep, sample, memory }) => ({ x0: lastOf(x0ByStep), sample, memory })),
      });
      await tell(index, { computedSteps: index + 1 - taken, elapsedMs: now() - began });
    } catch (error) {
      const told = laneAt(states, 0).x0ByStep.length;
      if (told === 0 || !stop.aborted || signal.aborted || !isAbort(error)) throw error;
      // kept steps that were not told again yet were taken too
      kept?.x0ByStep.slice(told).forEach(takeAgain);
      const stoppedAfter = laneAt(states, 0).x0ByStep.length;
      return states.map(({ x0ByStep }) => ({ sample: lastOf(x0ByStep), x0ByStep, stoppedAfter }));
    }
  }
  return states.map(({ sample, x0ByStep }) => ({ sample, x0ByStep, stoppedAfter: null }));
}

/** Keeps a step's prediction, and lets the oldest go when all lanes' take too much; the last two are always kept. */
function keep({ x0ByStep }: LaneState, x0: Tensor | null, lanes: number): void {
  x0ByStep.push(x0);
  if (x0 === null) return;
  const room = Math.max(2, Math.floor(KEPT_X0_BYTES / (4 * x0.data.length * lanes)));
  for (let i = x0ByStep.length - room - 1; i >= 0 && x0ByStep[i] !== null; i--) x0ByStep[i] = null;
}

function lastOf(x0ByStep: readonly (Tensor | null)[]): Tensor {
  const last = x0ByStep.at(-1);
  if (last == null) throw new TypeError('expected a step to be kept');
  return last;
}

/** The denoiser's output for a lane's sample [1, C, h, w]; under guidance a batch of two: for the negative prompt and the positive one. */
async function predict({ context, seen, sample, texts }: LaneState, timestep: number, scope: Scope): Promise<Tensor> {
  const { positive, negative } = texts;
  const asked = negative === null ? positive : stackBatch(negative, positive);
  const times = new Float32Array(asked.dims[0] ?? 1).fill(timestep);
  const feeds = { ...seen, sample, timestep: { dims: [times.length], data: times }, context: asked };
  return output1(await runTiled(context, 'denoiser', feeds, scope.parts), 'prediction');
}
