import { mirrored } from '../../src/core/picture.ts';
import { NoiseGenerator } from '../../src/core/random.ts';
import { colourOf, cropped, padded, pictureSource, resized } from '../../src/core/sources.ts';
import { workingSizes } from '../../src/plan/working-size.ts';
import type { RestoreRequest } from '../../src/protocol/request.ts';
import { denoise, type LaneInputs } from './shared/denoise.ts';
import { encodeTexts } from './shared/encode-texts.ts';
import { finish, fixColor, type RunResult } from './shared/finish.ts';
import { restoreFirst } from './shared/first-stage.ts';
import { type Lanes, laneAt, shared } from './shared/lanes.ts';
import { centreOf, encodeMean, latentDimsOf } from './shared/latents.ts';
import { readPicture } from './shared/read-picture.ts';
import { scopeOf } from './shared/working-size.ts';

/**
 * DiffBIR v1 (Lin et al. 2308.15070; order and numbers of its original inference.py): first stage at output size → text → its mean latent →
 * sampling → decode → the first stage's colours. The tagged version (RFSR, section 4.2) differs in the prompt alone. One generator serves all
 * lanes of the run: start noise, then one draw a step for samplers that use it.
 */
export async function restoreDiffBIR(lanes: Lanes, request: RestoreRequest): Promise<readonly RunResult[]> {
  const [lead] = lanes;
  const sizes = workingSizes(lead.manifest, request.image, request.scale);
  const enlarged = resized(pictureSource(mirrored(request.image, sizes.input)), sizes.enlarged, 'bicubic');
  const degraded = padded(colourOf(enlarged), sizes.working, lead.manifest.image.padding ?? 'zeros');
  const scope = scopeOf(request, sizes, lead.manifest);

  const first = await restoreFirst(lanes, degraded, scope);

  await lead.stage('tag');
  const tags = await shared(lanes, ['tagger'], async (lane) => {
    if (request.prompt.tags !== null) return request.prompt.tags;
    return lane.manifest.tagged ? (await readPicture(lane, request.image)).tags : [];
  });
  await lead.stage('text');
  const texts = await encodeTexts(lanes, request, diffbirPrompt, tags);

  await lead.stage('encode');
  const noise = new NoiseGenerator(request.seed);
  const startNoise = noise.normal(latentDimsOf(lead, scope));
  const latents = await shared(lanes, ['restorer', 'vaeEncoder'], (lane, i) => encodeMean(lane, laneAt(first, i), scope));

  await lead.stage('denoise');
  const inputs = lanes.map((lane, i): LaneInputs => {
    const latent = laneAt(latents, i);
    return { texts: laneAt(texts, i), seen: { conditionLatent: latent }, latent, centre: centreOf(lane, laneAt(first, i), latent) };
  });
  const sampled = await denoise(lanes, request, inputs, startNoise, noise, scope);
  return finish(lanes, request, inputs, sampled, scope, sizes, (planes, i) =>
    cropped(fixColor(planes, laneAt(first, i), request.colorFix, scope), sizes.enlarged),
  );
}

/** Tags joined by commas, then what there is of the other words (DiffBIR's `--captioner ram`); nothing at all without any. */
function diffbirPrompt(tags: readonly string[], user: string, positive: string): string {
  return [...tags, user, positive].filter((text) => text !== '').join(', ');
}
