import { enlargedAlpha } from '../../../src/core/alpha.ts';
import { type Area, areaWithin, wholeArea } from '../../../src/core/area.ts';
import { adainColorFix, waveletColorFix } from '../../../src/core/color-fix.ts';
import { hasAlpha, isGrey, toGrey, toPicture, toRgba16, withAlpha } from '../../../src/core/picture.ts';
import { mapped, type PlaneSource, pictureOf, remembered, resized, resizedPlanes, stripsOf } from '../../../src/core/sources.ts';
import { clamp01, type Tensor } from '../../../src/core/tensor.ts';
import type { WorkingSizes } from '../../../src/plan/working-size.ts';
import type { Recipe } from '../../../src/protocol/events.ts';
import type { Role } from '../../../src/protocol/manifest.ts';
import type { ColorFix, Image8, RestoreRequest } from '../../../src/protocol/request.ts';
import type { PipelineContext } from '../context.ts';
import type { LaneInputs, Sampled } from './denoise.ts';
import { graphHashes, type Lanes, laneAt } from './lanes.ts';
import { type Centre, decoderOf } from './latents.ts';
import type { Scope } from './working-size.ts';

/** What a pipeline gives for one lane, its picture having been told in rows. */
export interface RunResult {
  readonly recipe: Recipe;
  readonly height: number;
  readonly width: number;
  /** x0 predictions of steps, scaled latents [1, C, h, w], for decoding in full on demand; null for those that took too much room. */
  readonly x0ByStep: readonly (Tensor | null)[];
  /** What of a decoded latent is the result. */
  readonly visible: Area;
  readonly centre: Centre | null;
}

/**
 * The stage decode, strip by strip from top to bottom: decoded, coloured, resized and told before the next is begun. `colour`
 * puts the colours of a lane's decoded planes right, nominally rgb01 at working size.
 */
export async function finish(
  lanes: Lanes,
  request: RestoreRequest,
  inputs: readonly Pick<LaneInputs, 'texts' | 'centre'>[],
  sampled: readonly Sampled[],
  scope: Scope,
  { enlarged, output }: WorkingSizes,
  colour: (decoded: PlaneSource, lane: number) => PlaneSource,
): Promise<readonly RunResult[]> {
  await lanes[0].stage('decode');
  const { result: area, visible } = scope;
  const results: RunResult[] = [];
  for (const [i, context] of lanes.entries()) {
    const { texts, centre } = laneAt(inputs, i);
    const { sample, x0ByStep, stoppedAfter } = laneAt(sampled, i);
    const planes = colour(remembered(decoderOf(context, centre)(sample)), i);
    const picture = resized(pictureOf(planes), enlarged, 'bicubic');
    const deep = request.depth === 16 ? resizedPlanes(mapped(planes, clamp01), enlarged, 'bicubic') : null;
    const whole = { height: area.height, width: area.width };
    // alpha is enlarged on its own: the model knows only colour
    const alpha = hasAlpha(request.image) ? enlargedAlpha(request.image, output) : null;
    if (alpha !== null) await context.emit({ type: 'notice', reason: 'alpha-kept', message: alphaWords(request) });
    const grey = isGrey(request.image);
    for (const strip of stripsOf(area)) {
      const coloured = deep === null ? await picture.read(strip) : deepPicture(await deep.read(strip));
      const opaque = grey ? toGrey(coloured) : coloured;
      const image = alpha === null ? opaque : withAlpha(opaque, await alpha.read(strip));
      await context.emit({ type: 'rows', top: areaWithin(strip, area).top, whole, image });
    }
    results.push({ ...whole, recipe: recipeOf(context, request, texts, stoppedAfter), x0ByStep, visible, centre });
  }
  return results;
}

/** rgb01 planes with the reference's colours; neither is clamped. AdaIN takes a region's own figures: there is no more of the picture. */
export function fixColor(planes: PlaneSource, reference: PlaneSource, mode: ColorFix, { parts }: Scope): PlaneSource {
  switch (mode) {
    case 'wavelet':
      return waveletColorFix(planes, reference);
    case 'adain':
      return adainColorFix(planes, reference, parts?.visible ?? wholeArea(planes));
    case 'none':
      return planes;
    default:
      throw mode satisfies never;
  }
}

function alphaWords({ alpha }: RestoreRequest): string {
  if (alpha === 'mask') return 'Alpha was taken for a mask: the colours beneath it were enlarged as they are, and it separately.';
  return 'Transparency was enlarged separately and kept.';
}

/** Planes rgb01 as a picture that has its 16 bits too. */
function deepPicture(planes: Tensor): Image8 {
  return { ...toPicture(planes), rgba16: toRgba16(planes) };
}

function recipeOf(
  context: PipelineContext,
  request: RestoreRequest,
  { tags, positiveText }: LaneInputs['texts'],
  stoppedAfter: number | null,
): Recipe {
  const { manifest, backend } = context;
  const { image: _, preview: __, ...asked } = request;
  const roles = Object.keys(manifest.graphs) as Role[];
  return {
    ...asked,
    tileCells: context.tiles.get('denoiser') ?? null,
    stoppedAfter,
    tags,
    positiveText,
    negativeText: request.guidance > 1 ? request.prompt.negative : '',
    backend: backend(),
    bundleId: manifest.id,
    bundleTitle: manifest.title,
    graphs: Object.fromEntries(roles.map((role) => [role, graphHashes(context, [role])])),
  };
}
