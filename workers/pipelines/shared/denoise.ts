import { wholeArea } from '../../../src/core/area.ts';
import { type AnyTensor, Held } from '../../../src/core/arithmetic.ts';
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
import { isOnePiece, runTiledInPlace } from './tiles.ts';
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

/** A lane under way. Its tensors lie where the denoiser runs. */
interface LaneState {
  readonly context: PipelineContext;
  /** What the denoiser is fed at every step: what it sees of the picture, and the contexts it is asked for. */
  readonly seen: Readonly<Record<string, AnyTensor | PlaneSource>>;
  sample: AnyTensor;
  /** What the sampler's last step left for the next. */
  memory: readonly AnyTensor[];
  /** The last step's prediction. */
  x0: AnyTensor | null;
  /** What is kept of all of them, on the processor. */
  readonly x0ByStep: (Tensor | null)[];
  /** A prediction through the cheap decoder where the bundle has one. */
  readonly previewOf: (x0: AnyTensor) => PlaneSource;
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
  const arithmetic = lanes[0].arithmetic();
  const [always, held] = [new Held(), new Held()];
  const openLane = async (context: PipelineContext, i: number): Promise<LaneState> => {
    const { latent, texts, seen, centre } = laneAt(inputs, i);
    const start = startSample(request.startPoint, alphas, sampler, latent, startNoise, drawSecond);
    const last = kept === null ? { sample: start, memory: [] } : laneAt(kept.last.lanes, i);
    const put = (tensor: Tensor): AnyTensor => held.hold(arithmetic.put(tensor));
    return {
      context,
      seen: await placed(context, { ...seen, context: askedFor(texts) }, scope, (tensor) => always.hold(arithmetic.put(tensor))),
      sample: put(last.sample),
      memory: last.memory.map(put),
      x0: null,
      x0ByStep: [],
      previewOf: decoderOf(context, centre, previewRoleOf(context.manifest.graphs)),
      previous: new PreviousStep(),
    };
  };
  const states: LaneState[] = [];
  const tell = async (index: number, computed: { readonly computedSteps: number; readonly elapsedMs: number }): Promise<void> => {
    for (const { context, previous, x0, previewOf } of states) {
      const shown = request.preview === 'none' || x0 === null ? null : previewOf(x0);
      const previews = shown === null ? null : await previewsOf(shown, previous, scope.visible, LIVE_PIXELS);
      await context.emit({ type: 'step', index, count: timesteps.length, timestep: timesteps[index] ?? 0, ...computed, previews });
    }
  };
  const takeAgain = (known: readonly Tensor[] | null): void => {
    for (const [i, state] of states.entries()) {
      state.x0 = known === null ? null : laneAt(known, i);
      keep(state, state.x0, lanes.length);
    }
  };
  /** Step `index` of every lane, and what is kept of it. */
  const take = async (index: number, drawn: Tensor | null): Promise<void> => {
    const coefficients = sampler.coefficients(index);
    const noise = drawn === null ? null : held.hold(arithmetic.put(drawn));
    const taking: StepOutput[] = [];
    for (const state of states) {
      const prediction = held.hold(await predict(state, timesteps[index] ?? 0, scope));
      const { sample, memory } = state;
      const taken = takeStep(coefficients, { sample, prediction, guidance: request.guidance, noise, memory });
      for (const tensor of [taken.x0, taken.next, ...taken.memory]) held.hold(tensor);
      taking.push(taken);
    }
    // all that returns to the processor, together
    const read = await arithmetic.read(taking.flatMap(({ x0, next, memory }) => (checkpoints === null ? [x0] : [x0, next, ...memory])));
    const steps = taking.map(({ memory }) => {
      const x0 = laneAt(read.splice(0, 1), 0);
      return checkpoints === null
        ? { x0, sample: x0, memory: [] }
        : { x0, sample: laneAt(read.splice(0, 1), 0), memory: read.splice(0, memory.length) };
    });
    for (const [i, state] of states.entries()) {
      const { x0, next, memory } = laneAt(taking, i);
      Object.assign(state, { x0, sample: next, memory });
      keep(state, laneAt(steps, i).x0, lanes.length);
    }
    await checkpoints?.save({ lanes: steps });
  };
  let began: number | null = null;
  try {
    for (const [i, context] of lanes.entries()) states.push(await openLane(context, i));
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
        await take(index, drawn);
        await tell(index, { computedSteps: index + 1 - taken, elapsedMs: now() - began });
        held.keepOnly(states.flatMap(({ sample, memory, x0 }) => [sample, ...memory, ...(x0 === null ? [] : [x0])]));
      } catch (error) {
        const told = laneAt(states, 0).x0ByStep.length;
        if (told === 0 || !stop.aborted || signal.aborted || !isAbort(error)) throw error;
        // kept steps that were not told again yet were taken too
        kept?.x0ByStep.slice(told).forEach(takeAgain);
        const stoppedAfter = laneAt(states, 0).x0ByStep.length;
        return states.map(({ x0ByStep }) => ({ sample: lastOf(x0ByStep), x0ByStep, stoppedAfter }));
      }
    }
    const samples = await arithmetic.read(states.map(({ sample }) => sample));
    return states.map(({ x0ByStep }, i) => ({ sample: laneAt(samples, i), x0ByStep, stoppedAfter: null }));
  } finally {
    held.keepOnly([]);
    always.keepOnly([]);
  }
}

/** The context [1, N, D] of the prompt; under guidance [2, N, D]: of the negative one and of the positive one. */
function askedFor({ positive, negative }: Texts): Tensor {
  return negative === null ? positive : stackBatch(negative, positive);
}

/** Feeds put where the denoiser runs; a picture that it sees in one piece too, any other is read piece by piece. */
async function placed(
  context: PipelineContext,
  feeds: Readonly<Record<string, Tensor | PlaneSource>>,
  { cells }: Scope,
  put: (tensor: Tensor) => AnyTensor,
): Promise<LaneState['seen']> {
  const there: Record<string, AnyTensor | PlaneSource> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    if ('data' in feed) there[name] = put(feed);
    else there[name] = isOnePiece(context, 'denoiser', cells) ? put(await feed.read(wholeArea(feed))) : feed;
  }
  return there;
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
async function predict({ context, seen, sample }: LaneState, timestep: number, scope: Scope): Promise<AnyTensor> {
  const asked = seen['context'] as AnyTensor;
  const times = new Float32Array(asked.dims[0] ?? 1).fill(timestep);
  const feeds = { ...seen, sample, timestep: { dims: [times.length], data: times } };
  return output1(await runTiledInPlace(context, 'denoiser', feeds, scope.parts), 'prediction');
}
