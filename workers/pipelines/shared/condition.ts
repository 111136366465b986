import type { Tensor } from '../../../src/core/tensor.ts';
import type { PipelineContext } from '../context.ts';
import { runTiled } from './tiles.ts';

/** What the denoiser sees of the upscaled input: the picture itself, or its embedding where the bundle makes that once. */
export async function encodeCondition(context: PipelineContext, condition: Tensor): Promise<Record<string, Tensor>> {
  if (context.manifest.graphs.conditionEncoder === undefined) return { condition };
  return runTiled(context, 'conditionEncoder', { condition });
}
