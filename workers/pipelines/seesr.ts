import { adainColorFix, waveletColorFix } from '../../src/core/color-fix.ts';
import { bandEnergies, haar, highView, lowView } from '../../src/core/dwt.ts';
import { hasAlpha, type Rgba8, toPicture, toPlanes, withAlpha } from '../../src/core/picture.ts';
import { NoiseGenerator } from '../../src/core/random.ts';
import { resizePicture } from '../../src/core/resize.ts';
import { addNoise, SAMPLER_BY_NAME } from '../../src/core/schedulers/sampler.ts';
import { alphasCumprod, followingTimestep, samplingTimesteps } from '../../src/core/schedulers/schedule.ts';
import { affine, sliceBatch, stackBatch, type Tensor, weightedSum } from '../../src/core/tensor.ts';
import type { Recipe, StepPreviews } from '../../src/protocol/events.ts';
import type { ColorFix, RestoreRequest } from '../../src/protocol/request.ts';
import type { Fetches } from '../sessions/runtime.ts';
import type { PipelineContext } from './context.ts';
import { promptText } from './prompt.ts';
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

/**
 * SeeSR (Wu et al. 2311.16518; order and numbers of its test_seesr.py): tags → prompt → text → latents → guided sampling → decode →
 * colour fix. One generator serves the run, in this order: start noise, posterior noise, then one draw a step for samplers that use it.
 * SeeSR itself takes the posterior noise from the global generator; here the seed determines everything.
 */
export async function restoreSeeSR(context: PipelineContext, request: RestoreRequest): Promise<RunResult> {
  const { manifest, signal } = context;
  const { input, upscaled, working, output } = workingSizes(request.image, request.scale, manifest.image);
  const small = resizePicture(request.image, input.height, input.width, 'bicubic');
  const enlarged = resizePicture(small, upscaled.height, upscaled.width, 'bicubic');
  const reference = resizePicture(enlarged, working.height, working.width, 'bicubic');

  await context.stage('tag');
  const { imageEmbeds, tags } = await readPicture(context, small, request.prompt.tags);

  await context.stage('text');
  const guided = request.guidance > 1;
  const positiveText = promptText(tags, request.prompt.user, request.prompt.positive);
  const positive = await encodeText(context, positiveText, tags);
  const negative = guided ? await encodeText(context, request.prompt.negative, null) : null;

  await context.stage('encode');
  const noise = new NoiseGenerator(request.seed);
  const latentDims = [1, manifest.latent.channels, working.height / manifest.latent.factor, working.width / manifest.latent.factor];
  const startNoise = noise.normal(latentDims);
  const posteriorNoise = noise.normal(latentDims);
  const posterior = await context.run('vaeEncoder', { rgbPm1: toPlanes(reference, 2, -1) });
  const mean = output1(posterior, 'mean');
  const conditionLatent = scaleLatent(context, mean);
  const latent = scaleLatent(context, weightedSum([1, mean], [1, multiply(output1(posterior, 'std'), posteriorNoise)]));

  await context.stage('denoise');
  const alphas = alphasCumprod(manifest.scheduler);
  const sampler = SAMPLER_BY_NAME[request.sampler];
  const timesteps = samplingTimesteps(manifest.scheduler, request.steps);
  const seen = { ...(await encodeCondition(context, toPlanes(reference))), imageEmbeds, conditionLatent };
  const began = performance.now();
  const x0ByStep: Tensor[] = [];
  let sample = request.startPoint === 'lr' ? addNoise(alphas, latent, startNoise, START_TIMESTEP) : startNoise;
  for (const [index, timestep] of timesteps.entries()) {
    signal.throwIfAborted();
    const shared = { ...seen, sample };
    const prediction =
      negative === null
        ? await predict(context, timestep, { ...shared, context: positive })
        : await predictGuided(context, timestep, shared, negative, positive, request.guidance);
    const { next, x0 } = sampler.step(manifest.scheduler, alphas, {
      sample,
      prediction,
      timestep,
      following: followingTimestep(manifest.scheduler, request.steps, timestep),
      noise: sampler.usesNoise ? noise.normal(latentDims) : null,
    });
    sample = next;
    x0ByStep.push(x0);
    const previews = request.preview === 'bands' ? await previewStep(context, x0) : null;
    await context.emit({ type: 'step', index, count: timesteps.length, timestep, elapsedMs: performance.now() - began, previews });
  }

  await context.stage('decode');
  const decoded = await decodeLatent(context, sample);

  await context.stage('color');
  const fixed = fixColor(decoded, toPlanes(reference), request.colorFix);
  const opaque = resizePicture(toPicture(fixed), output.height, output.width, 'bicubic');
  const image = await keepAlpha(context, opaque, request.image);
  const { image: _, preview: __, ...asked } = request;
  const recipe: Recipe = {
    ...asked,
    tags,
    positiveText,
    negativeText: guided ? request.prompt.negative : '',
    backend: context.backend,
    bundleTitle: manifest.title,
  };
  return { image, recipe, x0ByStep };
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

/** Every feed of the denoiser but timestep and text, [1, …] each. */
type DenoiserFeeds = Readonly<Record<string, Tensor>> & { readonly sample: Tensor };

async function predict(context: PipelineContext, timestep: number, feeds: DenoiserFeeds): Promise<Tensor> {
  const batch = feeds.sample.dims[0] ?? 1;
  const times = { dims: [batch], data: new Float32Array(batch).fill(timestep) };
  return output1(await context.run('denoiser', { ...feeds, timestep: times }), 'prediction');
}

/** Classifier-free guidance in one batch of [negative, positive]: negative + s · (positive − negative). */
async function predictGuided(
  context: PipelineContext,
  timestep: number,
  feeds: DenoiserFeeds,
  negative: Tensor,
  positive: Tensor,
  guidance: number,
): Promise<Tensor> {
  const twice = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, stackBatch(feed, feed)]));
  const sample = stackBatch(feeds.sample, feeds.sample);
  const both = await predict(context, timestep, { ...twice, sample, context: stackBatch(negative, positive) });
  return weightedSum([1 - guidance, sliceBatch(both, 0)], [guidance, sliceBatch(both, 1)]);
}

/** Thumbnails of a step from the cheap decoder where the bundle has one. */
async function previewStep(context: PipelineContext, x0: Tensor): Promise<StepPreviews> {
  const role = context.manifest.graphs.previewDecoder === undefined ? 'vaeDecoder' : 'previewDecoder';
  return bandPreviews(affine(output1(await context.run(role, { latent: unscaleLatent(context, x0) }), 'rgbPm1'), 0.5, 0.5));
}

/** A picture rgb01 [1, 3, H, W] and its one-level Haar bands as pictures. */
export function bandPreviews(planes: Tensor): StepPreviews {
  const clamped = { dims: planes.dims, data: planes.data.map((value) => Math.min(1, Math.max(0, value))) };
  const bands = haar(clamped);
  return {
    x0: toPicture(clamped),
    low: toPicture(lowView(bands)),
    high: toPicture(highView(bands)),
    statistics: bandEnergies(bands),
  };
}

/** Scaled latent [1, C, h, w] through the full decoder to rgb01 planes [1, 3, 8h, 8w], not clamped. */
export async function decodeLatent(context: Pick<PipelineContext, 'manifest' | 'run'>, latent: Tensor): Promise<Tensor> {
  return affine(output1(await context.run('vaeDecoder', { latent: unscaleLatent(context, latent) }), 'rgbPm1'), 0.5, 0.5);
}

function fixColor(planes: Tensor, reference: Tensor, mode: ColorFix): Tensor {
  const clamped = { dims: planes.dims, data: planes.data.map((value) => Math.min(1, Math.max(0, value))) };
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
