import { scaleArea, wholeArea } from '../../../src/core/area.ts';
import { mirrored } from '../../../src/core/picture.ts';
import { NoiseGenerator } from '../../../src/core/random.ts';
import { colourOf, keptPicture, mapped, type PlaneSource, pictureSource, resized } from '../../../src/core/sources.ts';
import { clamp01, type Tensor } from '../../../src/core/tensor.ts';
import { seesPicture } from '../../../src/plan/held.ts';
import { workingSizes } from '../../../src/plan/working-size.ts';
import type { RestoreRequest } from '../../../src/protocol/request.ts';
import type { PipelineContext } from '../context.ts';
import { denoise, type LaneInputs } from './denoise.ts';
import { encodeTexts, type PromptFormat } from './encode-texts.ts';
import { finish, fixColor, type RunResult } from './finish.ts';
import { hasFirstStage, restoreFirst } from './first-stage.ts';
import { type Lanes, laneAt, shared } from './lanes.ts';
import { centreOf, encodePicture, latentDimsOf } from './latents.ts';
import { readPicture } from './read-picture.ts';
import { runTiled } from './tiles.ts';
import { type Scope, scopeOf } from './working-size.ts';

/**
 * From the input to the results, as SeeSR and PASD have it: tags → prompt → text → latents → guided sampling → decode → colour fix.
 * The minis have a first stage before: then it is its picture that is encoded; the rest sees the input, as published.
 * One generator serves all lanes of the run: start noise, posterior noise, then what `denoise` draws. The published programs take the
 * posterior noise from the global generator; here the seed determines everything.
 */
export async function restoreFromInput(lanes: Lanes, request: RestoreRequest, prompt: PromptFormat): Promise<readonly RunResult[]> {
  const [lead] = lanes;
  const sizes = workingSizes(lead.manifest, request.image, request.scale);
  const enlarged = resized(pictureSource(mirrored(request.image, sizes.input)), sizes.enlarged, 'bicubic');
  // what the networks see, and whose colours the result gets
  const reference = resized(enlarged, sizes.working, 'bicubic');
  await lead.stage('tag');
  const readings = await shared(lanes, ['tagger'], (lane) => readPicture(lane, request.image));
  await lead.stage('text');
  const tags = readings.map((reading) => request.prompt.tags ?? reading.tags);
  const texts = await encodeTexts(lanes, request, prompt, tags);

  const scope = scopeOf(request, sizes, lead.manifest);
  const { factor } = lead.manifest.latent;
  const wanted = scope.parts === null ? wholeArea(reference) : scaleArea(scope.parts.encoded, factor);
  const colours = colourOf(seesPicture(lead.manifest) ? await keptPicture(reference, wanted) : reference);
  const first = hasFirstStage(lead) ? await restoreFirst(lanes, colours, scope) : null;
  await lead.stage('encode');
  const noise = new NoiseGenerator(request.seed);
  const latentDims = latentDimsOf(lead, scope);
  const [startNoise, posteriorNoise] = [noise.normal(latentDims), noise.normal(latentDims)];
  const latents = await shared(lanes, ['restorer', 'vaeEncoder'], (lane, i) =>
    encodePicture(lane, first === null ? colours : laneAt(first, i), posteriorNoise, scope),
  );

  await lead.stage('denoise');
  const inputs: LaneInputs[] = [];
  for (const [i, lane] of lanes.entries()) {
    const { conditionLatent, latent } = laneAt(latents, i);
    const { imageEmbeds } = laneAt(readings, i);
    const seen = { ...(await encodeCondition(lane, colours, scope)), imageEmbeds, conditionLatent };
    const centre = centreOf(lane, first === null ? null : laneAt(first, i), conditionLatent);
    inputs.push({ texts: laneAt(texts, i), seen, latent, centre });
  }
  const sampled = await denoise(lanes, request, inputs, startNoise, noise, scope);
  return finish(lanes, request, inputs, sampled, scope, sizes, (planes) =>
    fixColor(mapped(planes, clamp01), colours, request.colorFix, scope),
  );
}

/** What the denoiser sees of the enlarged input: the picture itself, or its embedding where the bundle makes that once. */
async function encodeCondition(
  context: PipelineContext,
  condition: PlaneSource,
  scope: Scope,
): Promise<Readonly<Record<string, Tensor | PlaneSource>>> {
  if (context.manifest.graphs.conditionEncoder === undefined) return { condition };
  return runTiled(context, 'conditionEncoder', { condition }, scope.parts);
}
