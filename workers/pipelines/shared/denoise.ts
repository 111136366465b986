import { bandChanges, bandEnergies, type HaarBands, haar, highView, lowView } from '../../../src/core/dwt.ts';
import { cropPlanes, toPicture } from '../../../src/core/picture.ts';
import type { NoiseGenerator } from '../../../src/core/random.ts';
import { openSampling, type Sampling } from '../../../src/core/schedulers/sampler.ts';
import { alphasCumprod } from '../../../src/core/schedulers/schedule.ts';
import { startSample } from '../../../src/core/schedulers/start.ts';
import { clamp01, sliceBatch, stackBatch, type Tensor, weightedSum } from '../../../src/core/tensor.ts';
import type { StepPreviews } from '../../../src/protocol/events.ts';
import type { RestoreRequest } from '../../../src/protocol/request.ts';
import type { PipelineContext } from '../context.ts';
import type { Texts } from './encode-texts.ts';
import { type Lanes, laneAt } from './lanes.ts';
import { decodeLatent } from './latents.ts';
import { output1 } from './outputs.ts';
import { runTiled } from './tiles.ts';
import type { Size } from './working-size.ts';

/** What one lane brings to the denoising. */
export interface LaneInputs {
  readonly texts: Texts;
  /** Feeds of the denoiser that stay the same. */
  readonly seen: Readonly<Record<string, Tensor>>;
  /** The scaled latent [1, C, h, w] sampling may start from. */
  readonly latent: Tensor;
}

/** The last sample of a lane, and the x0 predictions of its steps, scaled latents [1, C, h, w]. */
export interface Sampled {
  readonly sample: Tensor;
  readonly x0ByStep: readonly Tensor[];
  /** What of a decoded latent is the picture: the rest, at the right and bottom, is padding. */
  readonly visible: Size;
}

interface LaneState extends LaneInputs {
  readonly context: PipelineContext;
  readonly sampling: Sampling;
  readonly visible: Size;
  sample: Tensor;
  bands: HaarBands | null;
  readonly x0ByStep: Tensor[];
}

/**
 * Samples all lanes step by step on the same noise. `noise` has already given `startNoise`; it gives one draw more for a start that is
 * noised twice, then one a step for samplers that use it. Previews show what is `visible` of a decoded latent.
 */
export async function denoise(
  lanes: Lanes,
  request: RestoreRequest,
  inputs: readonly LaneInputs[],
  startNoise: Tensor,
  noise: NoiseGenerator,
  visible: Size,
): Promise<readonly Sampled[]> {
  const { manifest, signal } = lanes[0];
  const alphas = alphasCumprod(manifest.scheduler);
  let second: Tensor | null = null;
  const draw = (): Tensor => noise.normal(startNoise.dims);
  const drawSecond = (): Tensor => {
    second ??= draw();
    return second;
  };
  const states = lanes.map((context, i): LaneState => {
    const lane = laneAt(inputs, i);
    const sampling = openSampling(request.sampler, manifest.scheduler, request.steps);
    const sample = startSample(request.startPoint, alphas, sampling, lane.latent, startNoise, drawSecond);
    return { ...lane, context, sampling, sample, visible, bands: null, x0ByStep: [] };
  });
  const { timesteps, usesNoise } = openSampling(request.sampler, manifest.scheduler, request.steps);
  const began = performance.now();
  for (const [index, timestep] of timesteps.entries()) {
    const drawn = usesNoise ? draw() : null;
    for (const state of states) {
      signal.throwIfAborted();
      const prediction = await predict(state, timestep, request.guidance);
      const { next, x0 } = state.sampling.step(index, { sample: state.sample, prediction, noise: drawn });
      state.sample = next;
      state.x0ByStep.push(x0);
      const previews = request.preview === 'bands' ? await previewStep(state, x0) : null;
      const elapsedMs = performance.now() - began;
      await state.context.emit({ type: 'step', index, count: timesteps.length, timestep, elapsedMs, previews });
    }
  }
  return states;
}

/** The denoiser's output for a lane's sample; under guidance from one batch of [negative, positive]: negative + s · (positive − negative). */
async function predict({ context, seen, sample, texts }: LaneState, timestep: number, guidance: number): Promise<Tensor> {
  const { positive, negative } = texts;
  const feeds = { ...seen, sample };
  if (negative === null) {
    const one = { dims: [1], data: new Float32Array([timestep]) };
    return output1(await runTiled(context, 'denoiser', { ...feeds, timestep: one, context: positive }), 'prediction');
  }
  const twice = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, stackBatch(feed, feed)]));
  const two = { dims: [2], data: new Float32Array([timestep, timestep]) };
  const both = output1(
    await runTiled(context, 'denoiser', { ...twice, timestep: two, context: stackBatch(negative, positive) }),
    'prediction',
  );
  return weightedSum([1 - guidance, sliceBatch(both, 0)], [guidance, sliceBatch(both, 1)]);
}

/** Thumbnails of a lane's step from the cheap decoder where the bundle has one; keeps its bands for the next step. */
async function previewStep(state: LaneState, x0: Tensor): Promise<StepPreviews> {
  const { context } = state;
  const role = context.manifest.graphs.previewDecoder === undefined ? 'vaeDecoder' : 'previewDecoder';
  const { previews, bands } = bandPreviews(cropPlanes(await decodeLatent(context, x0, role), state.visible), state.bands);
  state.bands = bands;
  return previews;
}

/** A picture rgb01 [1, 3, H, W] and its one-level Haar bands as pictures; `before`: the bands of the step before, of equal size. */
export function bandPreviews(planes: Tensor, before: HaarBands | null): { readonly previews: StepPreviews; readonly bands: HaarBands } {
  const clamped = clamp01(planes);
  const bands = haar(clamped);
  const changes = before === null ? { lowChange: null, highChange: null } : bandChanges(before, bands);
  const previews = {
    x0: toPicture(clamped),
    low: toPicture(lowView(bands)),
    high: toPicture(highView(bands)),
    statistics: { ...bandEnergies(bands), ...changes },
  };
  return { previews, bands };
}
