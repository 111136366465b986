import { areaWithin, coveringCells, growArea, scaleArea } from '../../../src/core/area.ts';
import { type AnyTensor, arithmeticOf, free } from '../../../src/core/arithmetic.ts';
import { ramp } from '../../../src/core/canary.ts';
import { mapped, type PlaneSource, remembered } from '../../../src/core/sources.ts';
import { affine, cropPlanes, type Tensor, weightedSum } from '../../../src/core/tensor.ts';
import { StudioError } from '../../../src/protocol/errors.ts';
import type { PipelineContext } from '../context.ts';
import { output1 } from './outputs.ts';
import { runTiled, type TiledContext } from './tiles.ts';
import type { Scope } from './working-size.ts';

/** Dims [1, C, h, w] of the latent of a working picture. */
export function latentDimsOf({ manifest }: Pick<PipelineContext, 'manifest'>, { cells }: Scope): readonly number[] {
  return [1, manifest.latent.channels, cells.height, cells.width];
}

/** The mean latent of rgb01 planes, and one drawn from its posterior, both scaled. */
export async function encodePicture(
  context: PipelineContext,
  planes: PlaneSource,
  noise: Tensor,
  scope: Scope,
): Promise<{ readonly conditionLatent: Tensor; readonly latent: Tensor }> {
  const posterior = await runTiled(context, 'vaeEncoder', { rgbPm1: toPm1(planes) }, scope.parts);
  const mean = output1(posterior, 'mean');
  const drawn = weightedSum([1, mean], [1, multiply(output1(posterior, 'std'), noise)]);
  return { conditionLatent: scaleLatent(context, mean), latent: scaleLatent(context, drawn) };
}

/** The scaled mean latent of rgb01 planes. */
export async function encodeMean(context: PipelineContext, planes: PlaneSource, scope: Scope): Promise<Tensor> {
  return scaleLatent(context, output1(await runTiled(context, 'vaeEncoder', { rgbPm1: toPm1(planes) }, scope.parts), 'mean'));
}

/**
 * A scaled latent [1, C, h, w] through the full decoder, or the cheap one, as rgb01 planes, not clamped. A decoder that sees only so far
 * decodes no more than what is read; any other decodes all at the first reading. Reading throws StudioError `output-invalid` where any latent
 * becomes one flat colour on every backend: what broken kernels give, and black at worst. A white page may be one.
 */
export function decoded(context: TiledContext, latent: AnyTensor, role: 'vaeDecoder' | 'previewDecoder' = 'vaeDecoder'): PlaneSource {
  const { manifest } = context;
  const { scale, shift, factor } = manifest.latent;
  const [, , h = 0, w = 0] = latent.dims;
  const cells = { height: h, width: w };
  // rows tell how far decoding is; pieces within them would only flicker
  const quiet: TiledContext = { ...context, emit: async (event) => (event.type === 'tile' ? undefined : context.emit(event)) };
  const pixelsOf = async (part: AnyTensor): Promise<Tensor> => {
    const plain = arithmeticOf(part).sum([{ weight: 1 / scale, tensor: part, sample: 0 }], shift);
    try {
      return output1(await runTiled(quiet, role, { latent: plain }), 'rgbPm1');
    } finally {
      if (plain !== part) free(plain);
    }
  };
  const decode = async (part: AnyTensor): Promise<Tensor> => {
    for (;;) {
      const planes = await pixelsOf(part);
      if (!isFlat(planes) || !isFlat(await pixelsOf(ramp(part.dims, 1)))) return affine(planes, 0.5, 0.5);
      if (await context.moveOn(role, 'it gives the same value everywhere')) continue;
      throw new StudioError('output-invalid', 'The model gave an empty picture, so nothing is shown. Another backend may help.', {
        details: { role },
      });
    }
  };
  const rule = manifest.graphs[role]?.[0]?.tiling;
  let all: Promise<Tensor> | null = null;
  return {
    height: h * factor,
    width: w * factor,
    async read(area) {
      if (rule?.kind !== 'halo') {
        all ??= decode(latent);
        return cropPlanes(await all, area);
      }
      const inner = coveringCells(area, factor);
      const outer = growArea(inner, rule.cells, cells);
      const part = arithmeticOf(latent).crop(latent, outer);
      try {
        return cropPlanes(await decode(part), areaWithin(area, scaleArea(outer, factor)));
      } finally {
        if (part !== latent) free(part);
      }
    },
  };
}

/** What a bundle that decodes corrections adds them to: the first stage's picture, rgb01, and its scaled latent. */
export interface Centre {
  readonly picture: PlaneSource;
  readonly latent: Tensor;
}

/** The centre of a lane's decoding; null where the decoder gives the result itself. Throws TypeError for corrections without a first stage. */
export function centreOf({ manifest }: Pick<PipelineContext, 'manifest'>, picture: PlaneSource | null, latent: Tensor): Centre | null {
  if (manifest.image.decoding !== 'correction') return null;
  if (picture === null) throw new TypeError(`expected ${manifest.id} to have a first stage, whose picture it corrects`);
  return { picture, latent };
}

/** How latents of one run become pictures: `decoded`, or where there is a centre its picture and the difference to its own decoding, kept for the strip read last. */
export function decoderOf(
  context: TiledContext,
  centre: Centre | null,
  role: 'vaeDecoder' | 'previewDecoder' = 'vaeDecoder',
): (latent: AnyTensor) => PlaneSource {
  if (centre === null) return (latent) => decoded(context, latent, role);
  const base = remembered(decoded(context, centre.latent, role));
  return (latent) => {
    const own = decoded(context, latent, role);
    const { height, width } = own;
    const read: PlaneSource['read'] = async (area) =>
      weightedSum([1, await centre.picture.read(area)], [1, await own.read(area)], [-1, await base.read(area)]);
    return { height, width, read };
  };
}

/** Whether every plane has one value. */
function isFlat({ dims: [, , height = 0, width = 0], data }: Tensor): boolean {
  const plane = height * width;
  return data.every((value, i) => value === data[i - (i % plane)]);
}

function toPm1(planes: PlaneSource): PlaneSource {
  return mapped(planes, (part) => affine(part, 2, -1));
}

function scaleLatent({ manifest }: PipelineContext, latent: Tensor): Tensor {
  const { scale, shift } = manifest.latent;
  return affine(latent, scale, -shift * scale);
}

function multiply(a: Tensor, b: Tensor): Tensor {
  const data = new Float32Array(a.data.length);
  for (let i = 0; i < data.length; i++) data[i] = (a.data[i] ?? 0) * (b.data[i] ?? 0);
  return { dims: a.dims, data };
}
