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
 * SeeSR (Wu et al. 2311.16518; order and numbers of its test_seesr.py): tags → prompt → text → latents → guided sampling → decode →
 * colour fix. One generator serves all lanes of the run, in this order: start noise, posterior noise, then one draw a step for samplers
 * that use it. SeeSR itself takes the posterior noise from the global generator; here the seed determines everything.
 */
export async function restoreSeeSR(lanes: Lanes, request: RestoreRequest): Promise<readonly RunResult[]> {
  const [lead] = lanes;
  const { input, upscaled, working, output } = workingSizes(request.image, request.scale, lead.manifest.image);
  const small = resizePicture(request.image, input.height, input.width, 'bicubic');
  const enlarged = resizePicture(small, upscaled.height, upscaled.width, 'bicubic');
  const reference = resizePicture(enlarged, working.height, working.width, 'bicubic');

  await lead.stage('tag');
  const read = await shared(lanes, ['tagger'], (lane) => readPicture(lane, small));
  await lead.stage('text');
  const tags = read.map((reading) => request.prompt.tags ?? reading.tags);
  const texts = await encodeTexts(lanes, request, seesrPrompt, tags);

  await lead.stage('encode');
  const noise = new NoiseGenerator(request.seed);
  const latentDims = latentDimsOf(lead, working);
  const [startNoise, posteriorNoise] = [noise.normal(latentDims), noise.normal(latentDims)];
  const latents = await shared(lanes, ['vaeEncoder'], (lane) => encodePicture(lane, reference, posteriorNoise));

  await lead.stage('denoise');
  const inputs: LaneInputs[] = [];
  for (const [i, lane] of lanes.entries()) {
    const { conditionLatent, latent } = laneAt(latents, i);
    const { imageEmbeds } = laneAt(read, i);
    const seen = { ...(await encodeCondition(lane, toPlanes(reference))), imageEmbeds, conditionLatent };
    inputs.push({ texts: laneAt(texts, i), seen, latent });
  }
  const sampled = await denoise(lanes, request, inputs, startNoise, noise, working);
  return finish(lanes, request, texts, sampled, (decoded) => {
    const fixed = fixColor(clamp01(decoded), toPlanes(reference), request.colorFix);
    return resizePicture(toPicture(fixed), output.height, output.width, 'bicubic');
  });
}

/** Its double comma included: `"{tags}, {user},{positive}"`. */
export function seesrPrompt(tags: readonly string[], user: string, positive: string): string {
  return `${tags.join(', ')}, ${user},${positive}`;
}

interface WorkingSizes {
  /** The input, enlarged first when the working picture would be too small for the model. */
  readonly input: Size;
  /** The input times the scale. */
  readonly upscaled: Size;
  /** The same, resized down to whole multiples: what the networks see. */
  readonly working: Size;
  /** What the person asked for. */
  readonly output: Size;
}

/** Throws StudioError `image-too-large`. */
export function workingSizes(image: Size, scale: number, { multipleOf, minSide }: Manifest['image']): WorkingSizes {
  const output = eachSide(image, (side) => side * scale);
  const least = Math.ceil(minSide / scale);
  const short = Math.min(image.height, image.width);
  const input = short < least ? eachSide(image, (side) => Math.trunc((side * least) / short)) : eachSide(image, (side) => side);
  const upscaled = eachSide(input, (side) => Math.trunc(side * scale));
  const working = toMultiple(upscaled, multipleOf);
  checkWorkingSize(working, image, scale);
  return { input, upscaled, working, output };
}
