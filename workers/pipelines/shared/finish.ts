import { adainColorFix, waveletColorFix } from '../../../src/core/color-fix.ts';
import { hasAlpha, type Rgba8, withAlpha } from '../../../src/core/picture.ts';
import { resizePicture } from '../../../src/core/resize.ts';
import type { Tensor } from '../../../src/core/tensor.ts';
import type { Recipe } from '../../../src/protocol/events.ts';
import type { Role } from '../../../src/protocol/manifest.ts';
import type { ColorFix, RestoreRequest } from '../../../src/protocol/request.ts';
import type { PipelineContext } from '../context.ts';
import type { Sampled } from './denoise.ts';
import type { Texts } from './encode-texts.ts';
import { graphHashes, type Lanes, laneAt } from './lanes.ts';
import { decodeLatent } from './latents.ts';
import type { Size } from './working-size.ts';

/** What a pipeline gives for one lane. */
export interface RunResult {
  readonly image: Rgba8;
  readonly recipe: Recipe;
  /** x0 predictions of every step, scaled latents [1, C, h, w], for decoding in full on demand. */
  readonly x0ByStep: readonly Tensor[];
  /** What of a decoded latent is the picture. */
  readonly visible: Size;
}

/**
 * The stages decode and color. `toResult` makes a lane's decoded planes, nominally rgb01 [1, 3, H, W] of the working size, a picture of the
 * output's size with its colours put right.
 */
export async function finish(
  lanes: Lanes,
  request: RestoreRequest,
  texts: readonly Texts[],
  sampled: readonly Sampled[],
  toResult: (decoded: Tensor, lane: number) => Rgba8,
): Promise<readonly RunResult[]> {
  await lanes[0].stage('decode');
  const decoded: Tensor[] = [];
  for (const [i, context] of lanes.entries()) decoded.push(await decodeLatent(context, laneAt(sampled, i).sample));
  await lanes[0].stage('color');
  const results: RunResult[] = [];
  for (const [i, context] of lanes.entries()) {
    const image = await keepAlpha(context, toResult(laneAt(decoded, i), i), request.image);
    const { x0ByStep, visible } = laneAt(sampled, i);
    results.push({ image, recipe: recipeOf(context, request, laneAt(texts, i)), x0ByStep, visible });
  }
  return results;
}

/** rgb01 planes with the reference's colours; neither is clamped. */
export function fixColor(planes: Tensor, reference: Tensor, mode: ColorFix): Tensor {
  switch (mode) {
    case 'wavelet':
      return waveletColorFix(planes, reference);
    case 'adain':
      return adainColorFix(planes, reference);
    case 'none':
      return planes;
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

function recipeOf(context: PipelineContext, request: RestoreRequest, { tags, positiveText }: Texts): Recipe {
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
