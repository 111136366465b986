import { type Rgba8, toPlanes } from '../../../src/core/picture.ts';
import { resizePicture } from '../../../src/core/resize.ts';
import type { Tensor } from '../../../src/core/tensor.ts';
import type { PipelineContext } from '../context.ts';
import { output1 } from './outputs.ts';

/** ImageNet's mean and deviation, which the tagger was trained with. */
const IMAGE_MEAN = [0.485, 0.456, 0.406] as const;
const IMAGE_STD = [0.229, 0.224, 0.225] as const;

/** What the tagger says of a picture that was not enlarged. */
export interface Reading {
  /** [1, N, D]. */
  readonly imageEmbeds: Tensor;
  /** In list order. */
  readonly tags: readonly string[];
}

export async function readPicture(context: PipelineContext, picture: Rgba8): Promise<Reading> {
  const { labels, thresholds } = context.manifest.tags;
  const side = context.manifest.graphs.tagger[0]?.inputs[0]?.dims[2];
  if (typeof side !== 'number') throw new TypeError('expected a tagger with an input of fixed side');
  const planes = toPlanes(resizePicture(picture, side, side, 'bilinear'));
  const plane = side * side;
  const image = planes.data.map((value, i) => {
    const channel = Math.floor(i / plane);
    return (value - (IMAGE_MEAN[channel] ?? 0)) / (IMAGE_STD[channel] ?? 1);
  });
  const read = await context.run('tagger', { image: { dims: planes.dims, data: image } });
  const logits = output1(read, 'tagLogits');
  const tags = labels.filter((_, i) => 1 / (1 + Math.exp(-(logits.data[i] ?? 0))) > (thresholds[i] ?? 1));
  return { imageEmbeds: output1(read, 'imageEmbeds'), tags };
}
