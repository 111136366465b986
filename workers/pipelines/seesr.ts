import type { Extent } from '../../src/core/area.ts';
import { resizePicture } from '../../src/core/resize.ts';
import { pictureSource, resized } from '../../src/core/sources.ts';
import type { Manifest } from '../../src/protocol/manifest.ts';
import type { RestoreRequest } from '../../src/protocol/request.ts';
import type { RunResult } from './shared/finish.ts';
import type { Lanes } from './shared/lanes.ts';
import { restoreFromInput } from './shared/restore-from-input.ts';
import { eachSide, toMultiple } from './shared/working-size.ts';

/** SeeSR (Wu et al. 2311.16518; order and numbers of its test_seesr.py): its sizes and prompt, then the procedure it shares with PASD. */
export async function restoreSeeSR(lanes: Lanes, request: RestoreRequest): Promise<readonly RunResult[]> {
  const { input, upscaled, working, output } = workingSizes(request.image, request.scale, lanes[0].manifest.image);
  const small = resizePicture(request.image, input.height, input.width, 'bicubic');
  const reference = resized(resized(pictureSource(small), upscaled, 'bicubic'), working, 'bicubic');
  return restoreFromInput(lanes, request, { read: small, reference, output, prompt: seesrPrompt });
}

/** Its double comma included: `"{tags}, {user},{positive}"`. */
function seesrPrompt(tags: readonly string[], user: string, positive: string): string {
  return `${tags.join(', ')}, ${user},${positive}`;
}

interface WorkingSizes {
  /** The input, enlarged first when the working picture would be too small for the model. */
  readonly input: Extent;
  /** The input times the scale. */
  readonly upscaled: Extent;
  /** The same, resized down to whole multiples: what the networks see. */
  readonly working: Extent;
  /** What the person asked for. */
  readonly output: Extent;
}

function workingSizes(image: Extent, scale: number, { multipleOf, minSide }: Manifest['image']): WorkingSizes {
  const output = eachSide(image, (side) => side * scale);
  const least = Math.ceil(minSide / scale);
  const short = Math.min(image.height, image.width);
  const input = short < least ? eachSide(image, (side) => Math.trunc((side * least) / short)) : eachSide(image, (side) => side);
  const upscaled = eachSide(input, (side) => Math.trunc(side * scale));
  const working = toMultiple(upscaled, multipleOf);
  return { input, upscaled, working, output };
}
