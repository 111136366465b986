import { adainColorFix, waveletColorFix } from '../../src/core/color-fix.ts';
import { bandChanges, bandEnergies, type HaarBands, haar, highView, lowView } from '../../src/core/dwt.ts';
import { hasAlpha, type Rgba8, toPicture, toPlanes, withAlpha } from '../../src/core/picture.ts';
import { NoiseGenerator } from '../../src/core/random.ts';
import { resizePicture } from '../../src/core/resize.ts';
import { addNoise, SAMPLER_BY_NAME } from '../../src/core/schedulers/sampler.ts';
import { alphasCumprod, followingTimestep, samplingTimesteps } from '../../src/core/schedulers/schedule.ts';
import { affine, clamp01, sliceBatch, stackBatch, type Tensor, weightedSum } from '../../src/core/tensor.ts';
import type { Recipe, StepPreviews } from '../../src/protocol/events.ts';
import type { Role } from '../../src/protocol/manifest.ts';
import type { ColorFix, RestoreRequest } from '../../src/protocol/request.ts';
import type { Fetches } from '../sessions/runtime.ts';
import type { PipelineContext } from './context.ts';
import { promptText } from './prompt.ts';
import { graphHashes, type Lanes, laneAt, shared } from './shared/lanes.ts';
import { workingSizes } from './working-size.ts';

/** ImageNet's mean and deviation, which the tagger was trained with. */
const IMAGE_MEAN = [0.485, 0.456, 0.406] as const;
const IMAGE_STD = [0.229, 0.224, 0.225] as const;
/** The start latent is noised at the last training step although sampling starts a little before it (SeeSR, kept for parity). */
const START_TIMESTEP = 999;

export interface RunResult {
  readonly image: Rgba8;
  readonly recipe: Recipe;
  /** x0 predictions of every step, scaled latents [1, C, h, w], for decoding in full on demand. */
  readonly x0ByStep: readonly Tensor[];
}

/** What one lane carries from step to step. */
interface LaneState {
  readonly context: PipelineContext;
  readonly positive: Tensor;
  readonly negative: Tensor | null;
  /** Feeds of the denoiser that stay the same. */
  readonly seen: Readonly<Record<string, Tensor>>;
  sample: Tensor;
  bands: HaarBands | null;
  readonly x0ByStep: Tensor[];
}

/**
 * SeeSR (Wu et al. 2311.16518; order and numbers of its test_seesr.py): tags → prompt → text → latents → guided sampling → decode →
 * colour fix. One generator serves all lanes of the run, in this order: start noise, posterior noise, then one draw a step for samplers
 * that use it. SeeSR itself takes the posterior noise from the global generator; here the seed determines everything.
 */
export async function restoreSeeSR(lanes: Lanes, request: RestoreRequest): Promise<readonly RunResult[]> {
  const [lead] = lanes;
  const { manifest, signal } = lead;
  const { input, upscaled, working, output } = workingSizes(request.image, request.scale, manifest.image);
  const small = resizePicture(request.image, input.height, input.width, 'bicubic');
  const enlarged = resizePicture(small, upscaled.height, upscaled.width, 'bicubic');
  const reference = resizePicture(enlarged, working.height, working.width, 'bicubic');

  await lead.stage('tag');
  const read = await shared(lanes, ['tagger'], (lane) => readPicture(lane, small, request.prompt.tags));

  await lead.stage('text');
  const guided = request.guidance > 1;
  const texts = read.map(({ tags }) => promptText(tags, request.prompt.user, request.prompt.positive));
  const contexts = await shared(lanes, ['tagger', 'textEncoder'], async (lane, i) => ({
    positive: await encodeText(lane, laneAt(texts, i), laneAt(read, i).tags),
    negative: guided ? await encodeText(lane, request.prompt.negative, null) : null,
  }));

  await lead.stage('encode');
  const noise = new NoiseGenerator(request.seed);
  const latentDims = [1, manifest.latent.channels, working.height / manifest.latent.factor, working.width / manifest.latent.factor];
  const startNoise = noise.normal(latentDims);
  const posteriorNoise = noise.normal(latentDims);
  const latents = await shared(lanes, ['vaeEncoder'], (lane) => encodeInput(lane, reference, posteriorNoise));

  await lead.stage('denoise');
  const alphas = alphasCumprod(manifest.scheduler);
  const sampler = SAMPLER_BY_NAME[request.sampler];
  const timesteps = samplingTimesteps(manifest.scheduler, request.steps);
  const states: LaneState[] = [];
  for (const [i, context] of lanes.entries()) {
    const { conditionLatent, latent } = laneAt(latents, i);
    const { imageEmbeds } = laneAt(read, i);
    const seen = { ...(await encodeCondition(context, toPlanes(reference))), imageEmbeds, conditionLatent };
    const sample = request.startPoint === 'lr' ? addNoise(alphas, latent, startNoise, START_TIMESTEP) : startNoise;
    states.push({ context, ...laneAt(contexts, i), seen, sample, bands: null, x0ByStep: [] });
  }
  const began = performance.now();
  for (const [index, timestep] of timesteps.entries()) {
    const following = followingTimestep(manifest.scheduler, request.steps, timestep);
    const drawn = sampler.usesNoise ? noise.normal(latentDims) : null;
    for (const state of states) {
      signal.throwIfAborted();
      const prediction = await predict(state, timestep, request.guidance);
      const { sample } = state;
      const { next, x0 } = sampler.step(manifest.scheduler, alphas, { sample, prediction, timestep, following, noise: drawn });
      state.sample = next;
      state.x0ByStep.push(x0);
      const previews = request.preview === 'bands' ? await previewStep(state, x0) : null;
      const elapsedMs = performance.now() - began;
      await state.context.emit({ type: 'step', index, count: timesteps.length, timestep, elapsedMs, previews });
    }
  }

  await lead.stage('decode');
  const decoded: Tensor[] = [];
  for (const { context, sample } of states) decoded.push(await decodeLatent(context, sample));

  await lead.stage('color');
  const results: RunResult[] = [];
  for (const [i, { context, x0ByStep }] of states.entries()) {
    const fixed = fixColor(laneAt(decoded, i), toPlanes(reference), request.colorFix);
    const opaque = resizePicture(toPicture(fixed), output.height, output.width, 'bicubic');
    const image = await keepAlpha(context, opaque, request.image);
    results.push({ image, recipe: recipeOf(context, request, laneAt(read, i).tags, laneAt(texts, i)), x0ByStep });
  }
  return results;
}

function recipeOf(context: PipelineContext, request: RestoreRequest, tags: readonly string[], positiveText: string): Recipe {
  const { manifest, backend } = context;
  const { image: _, preview: __, ...asked } = request;
  const roles = Object.keys(manifest.graphs) as Role[];
  return {
    ...asked,
    tags,
    positiveText,
    negativeText: request.guidance > 1 ? request.prompt.negative : '',
    backend,
    bundleId: manifest.id,
    bundleTitle: manifest.title,
    graphs: Object.fromEntries(roles.map((role) => [role, graphHashes(context, [role])])),
  };
}

/** The picture's mean latent, and one drawn from its posterior, both scaled. */
async function encodeInput(
  context: PipelineContext,
  picture: Rgba8,
  noise: Tensor,
): Promise<{ readonly conditionLatent: Tensor; readonly latent: Tensor }> {
  const posterior = await context.run('vaeEncoder', { rgbPm1: toPlanes(picture, 2, -1) });
  const mean = output1(posterior, 'mean');
  const drawn = weightedSum([1, mean], [1, multiply(output1(posterior, 'std'), noise)]);
  return { conditionLatent: scaleLatent(context, mean), latent: scaleLatent(context, drawn) };
}

/** Tags in list order, or the person's own, and the image embeddings [1, N, D]. */
async function readPicture(
  context: PipelineContext,
  picture: Rgba8,
  chosen: readonly string[] | null,
): Promise<{ imageEmbeds: Tensor; tags: readonly string[] }> {
  const { labels, thresholds } = context.manifest.tags;
  const side = context.manifest.graphs.tagger[0]?.inputs[0]?.dims[2];
  if (typeof side !== 'number') throw new TypeError('expected a tagger with an input of fixed side');
  const planes = toPlanes(resizePicture(picture, side, side, 'bilinear'));
  const plane = side * side;
  const image = planes.data.map((value, i) => {
    const channel = Math.floor(i / plane);
    return (value - (IMAGE_MEAN[channel] ?? 0)) / (IMAGE_STD[channel] ?? 1);
  });
  const { imageEmbeds, tagLogits } = await context.run('tagger', { image: { dims: planes.dims, data: image } });
  if (imageEmbeds === undefined || tagLogits === undefined) throw new TypeError('expected imageEmbeds and tagLogits from the tagger');
  const seen = labels.filter((_, i) => 1 / (1 + Math.exp(-(tagLogits.data[i] ?? 0))) > (thresholds[i] ?? 1));
  return { imageEmbeds, tags: chosen ?? seen };
}

/** Context [1, N, D] of a text. With `tags`, the listener learns of them and of words the model does not know. */
async function encodeText(context: PipelineContext, text: string, tags: readonly string[] | null): Promise<Tensor> {
  const { ids, unknownWords, truncated } = context.tokenizer.encode(text);
  if (tags !== null) await context.emit({ type: 'tags', tags, unknownWords });
  if (truncated) {
    await context.emit({
      type: 'notice',
      reason: 'prompt-truncated',
      message: 'The prompt is longer than the model reads; its end is not used.',
    });
  }
  return output1(await context.run('textEncoder', { tokenIds: ids }), 'context');
}

/** What the denoiser sees of the upscaled input: the picture itself, or its embedding where the bundle makes that once. */
async function encodeCondition(context: PipelineContext, condition: Tensor): Promise<Record<string, Tensor>> {
  if (context.manifest.graphs.conditionEncoder === undefined) return { condition };
  return context.run('conditionEncoder', { condition });
}

/** The denoiser's output for a lane's sample; under guidance from one batch of [negative, positive]: negative + s · (positive − negative). */
async function predict({ context, seen, sample, positive, negative }: LaneState, timestep: number, guidance: number): Promise<Tensor> {
  const feeds = { ...seen, sample };
  if (negative === null) {
    const one = { dims: [1], data: new Float32Array([timestep]) };
    return output1(await context.run('denoiser', { ...feeds, timestep: one, context: positive }), 'prediction');
  }
  const twice = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, stackBatch(feed, feed)]));
  const two = { dims: [2], data: new Float32Array([timestep, timestep]) };
  const both = output1(await context.run('denoiser', { ...twice, timestep: two, context: stackBatch(negative, positive) }), 'prediction');
  return weightedSum([1 - guidance, sliceBatch(both, 0)], [guidance, sliceBatch(both, 1)]);
}

/** Thumbnails of a lane's step from the cheap decoder where the bundle has one; keeps its bands for the next step. */
async function previewStep(state: LaneState, x0: Tensor): Promise<StepPreviews> {
  const { context, bands: before } = state;
  const role = context.manifest.graphs.previewDecoder === undefined ? 'vaeDecoder' : 'previewDecoder';
  const decoded = affine(output1(await context.run(role, { latent: unscaleLatent(context, x0) }), 'rgbPm1'), 0.5, 0.5);
  const { previews, bands } = bandPreviews(decoded, before);
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

/** Scaled latent [1, C, h, w] through the full decoder to rgb01 planes [1, 3, 8h, 8w], not clamped. */
export async function decodeLatent(context: Pick<PipelineContext, 'manifest' | 'run'>, latent: Tensor): Promise<Tensor> {
  return affine(output1(await context.run('vaeDecoder', { latent: unscaleLatent(context, latent) }), 'rgbPm1'), 0.5, 0.5);
}

function fixColor(planes: Tensor, reference: Tensor, mode: ColorFix): Tensor {
  const clamped = clamp01(planes);
  switch (mode) {
    case 'wavelet':
      return waveletColorFix(clamped, reference);
    case 'adain':
      return adainColorFix(clamped, reference);
    case 'none':
      return clamped;
    default:
      throw mode satisfies never;
  }
}

/** Alpha is upscaled on its own, bicubically: the model knows only colour. */
async function keepAlpha(context: PipelineContext, picture: Rgba8, source: Rgba8): Promise<Rgba8> {
  if (!hasAlpha(source)) return picture;
  await context.emit({ type: 'notice', reason: 'alpha-kept', message: 'Transparency was enlarged separately and kept.' });
  return withAlpha(picture, resizePicture(source, picture.height, picture.width, 'bicubic'));
}

function scaleLatent({ manifest }: PipelineContext, latent: Tensor): Tensor {
  const { scale, shift } = manifest.latent;
  return affine(latent, scale, -shift * scale);
}

function unscaleLatent({ manifest }: Pick<PipelineContext, 'manifest'>, latent: Tensor): Tensor {
  const { scale, shift } = manifest.latent;
  return affine(latent, 1 / scale, shift);
}

function multiply(a: Tensor, b: Tensor): Tensor {
  return { dims: a.dims, data: a.data.map((value, i) => value * (b.data[i] ?? 0)) };
}

function output1(fetches: Fetches, name: string): Tensor {
  const found = fetches[name];
  if (found === undefined) throw new TypeError(`expected an output “${name}”, got ${Object.keys(fetches).join(', ')}`);
  return found;
}
