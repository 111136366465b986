import { toPicture, toPlanes } from '../../src/core/picture.ts';
import { NoiseGenerator } from '../../src/core/random.ts';
import { resizePicture } from '../../src/core/resize.ts';
import { clamp01 } from '../../src/core/tensor.ts';
import type { Manifest } from '../../src/protocol/manifest.ts';
import type { RestoreRequest } from '../../src/protocol/request.ts';
import { encodeCondition } from './shared/condition.ts';
import { denoise, type LaneInputs } from './shared/denoise.ts';
import { encodeTexts } from './shared/encode-texts.ts';
import { finish, fixColor, type RunResult } from './shared/finish.ts';
import { type Lanes, laneAt, shared } from './shared/lanes.ts';
import { encodePicture, latentDimsOf } from './shared/latents.ts';
import { readPicture } from './shared/read-picture.ts';
import { checkWorkingSize, eachSide, type Size, toMultiple } from './shared/working-size.ts';

/**
 * PASD (Yang et al. 2308.14469; order and numbers of its test_pasd.py), with tags where it has a caption: sizes → tags → text → latents,
 * noised twice → guided sampling → decode → colour fix. One generator serves all lanes of the run: start noise, posterior noise, second start
 * noise, then one draw a step for samplers that use it.
 */
export async function restorePASD(lanes: Lanes, request: RestoreRequest): Promise<readonly RunResult[]> {
  const [lead] = lanes;
  const { upscaled, raised, working } = workingSizes(request.image, request.scale, lead.manifest.image);
  const enlarged = resizePicture(request.image, upscaled.height, upscaled.width, 'bicubic');
  const large = raised === null ? enlarged : resizePicture(enlarged, raised.height, raised.width, 'bilinear');
  const reference = resizePicture(large, working.height, working.width, 'bicubic');

  await lead.stage('tag');
  const read = await shared(lanes, ['tagger'], (lane) => readPicture(lane, request.image));
  await lead.stage('text');
  const tags = read.map((reading) => request.prompt.tags ?? reading.tags);
  const texts = await encodeTexts(lanes, request, pasdPrompt, tags);

  await lead.stage('encode');
  const noise = new NoiseGenerator(request.seed);
  const latentDims = latentDimsOf(lead, working);
  const [startNoise, posteriorNoise] = [noise.normal(latentDims), noise.normal(latentDims)];
  const latents = await shared(lanes, ['vaeEncoder'], (lane) => encodePicture(lane, reference, posteriorNoise));

  await lead.stage('denoise');
  const inputs: LaneInputs[] = [];
  for (const [i, lane] of lanes.entries()) {
    const { conditionLatent, latent } = laneAt(latents, i);
    const seen = { ...(await encodeCondition(lane, toPlanes(reference))), conditionLatent };
    inputs.push({ texts: laneAt(texts, i), seen, latent });
  }
  const sampled = await denoise(lanes, request, inputs, startNoise, noise, working);
  return finish(lanes, request, texts, sampled, (decoded) => {
    const fixed = fixColor(clamp01(decoded), toPlanes(reference), request.colorFix);
    return resizePicture(toPicture(fixed), upscaled.height, upscaled.width, 'bicubic');
  });
}

/** Tags as PASD writes detected objects, each with its comma, in the place of a caption; quality words follow without a separator. */
export function pasdPrompt(tags: readonly string[], user: string, positive: string): string {
  return `${tags.map((tag) => `${tag}, `).join('')}${user === '' ? '' : ` ${user}`}${positive}`;
}

interface WorkingSizes {
  /** The input times the scale, which is also what the person asked for. */
  readonly upscaled: Size;
  /** The same raised by its short side, where it is too small for the model. */
  readonly raised: Size | null;
  /** Resized down to whole multiples: what the networks see. */
  readonly working: Size;
}

/** Throws StudioError `image-too-large`. */
function workingSizes(image: Size, scale: number, { multipleOf, minSide }: Manifest['image']): WorkingSizes {
  const upscaled = eachSide(image, (side) => side * scale);
  const short = Math.min(upscaled.height, upscaled.width);
  const raised = short < minSide ? eachSide(upscaled, (side) => Math.trunc((minSide * side) / short)) : null;
  const working = toMultiple(raised ?? upscaled, multipleOf);
  checkWorkingSize(working, image, scale);
  return { upscaled, raised, working };
}
