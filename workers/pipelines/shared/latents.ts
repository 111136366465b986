import type { Rgba8 } from '../../../src/core/picture.ts';
import { toPlanes } from '../../../src/core/picture.ts';
import { affine, type Tensor, weightedSum } from '../../../src/core/tensor.ts';
import type { PipelineContext } from '../context.ts';
import { output1 } from './outputs.ts';
import { runTiled } from './tiles.ts';
import type { Size } from './working-size.ts';

/** Dims [1, C, h, w] of the latent of a working picture. */
export function latentDimsOf({ manifest }: Pick<PipelineContext, 'manifest'>, { height, width }: Size): readonly number[] {
  const { channels, factor } = manifest.latent;
  return [1, channels, height / factor, width / factor];
}

/** The picture's mean latent, and one drawn from its posterior, both scaled. */
export async function encodePicture(
  context: PipelineContext,
  picture: Rgba8,
  noise: Tensor,
): Promise<{ readonly conditionLatent: Tensor; readonly latent: Tensor }> {
  const posterior = await runTiled(context, 'vaeEncoder', { rgbPm1: toPlanes(picture, 2, -1) });
  const mean = output1(posterior, 'mean');
  const drawn = weightedSum([1, mean], [1, multiply(output1(posterior, 'std'), noise)]);
  return { conditionLatent: scaleLatent(context, mean), latent: scaleLatent(context, drawn) };
}

/** The scaled mean latent of rgb01 planes [1, 3, H, W]. */
export async function encodeMean(context: PipelineContext, planes: Tensor): Promise<Tensor> {
  return scaleLatent(context, output1(await runTiled(context, 'vaeEncoder', { rgbPm1: affine(planes, 2, -1) }), 'mean'));
}

/** Scaled latent [1, C, h, w] through the full decoder, or the cheap one, to rgb01 planes [1, 3, 8h, 8w], not clamped. */
export async function decodeLatent(
  context: Pick<PipelineContext, 'manifest' | 'run' | 'emit'>,
  latent: Tensor,
  role: 'vaeDecoder' | 'previewDecoder' = 'vaeDecoder',
): Promise<Tensor> {
  const { scale, shift } = context.manifest.latent;
  return affine(output1(await runTiled(context, role, { latent: affine(latent, 1 / scale, shift) }), 'rgbPm1'), 0.5, 0.5);
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
