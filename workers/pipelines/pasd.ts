import type { Extent } from '../../src/core/area.ts';
import { pictureSource, resized } from '../../src/core/sources.ts';
import type { Manifest } from '../../src/protocol/manifest.ts';
import type { RestoreRequest } from '../../src/protocol/request.ts';
import type { RunResult } from './shared/finish.ts';
import type { Lanes } from './shared/lanes.ts';
import { restoreFromInput } from './shared/restore-from-input.ts';
import { eachSide, toMultiple } from './shared/working-size.ts';

/**
 * PASD (Yang et al. 2308.14469; order and numbers of its test_pasd.py), with tags where it has a caption: its sizes and prompt, then the procedure
 * it shares with SeeSR. Its start is noised twice: a start point of the request.
 */
export async function restorePASD(lanes: Lanes, request: RestoreRequest): Promise<readonly RunResult[]> {
  const { upscaled, raised, working } = workingSizes(request.image, request.scale, lanes[0].manifest.image);
  const enlarged = resized(pictureSource(request.image), upscaled, 'bicubic');
  const large = raised === null ? enlarged : resized(enlarged, raised, 'bilinear');
  const reference = resized(large, working, 'bicubic');
  return restoreFromInput(lanes, request, { read: request.image, reference, output: upscaled, prompt: pasdPrompt });
}

/** Tags as PASD writes detected objects, each with its comma, in the place of a caption; quality words follow without a separator. */
function pasdPrompt(tags: readonly string[], user: string, positive: string): string {
  return `${tags.map((tag) => `${tag}, `).join('')}${user === '' ? '' : ` ${user}`}${positive}`;
}

interface WorkingSizes {
  /** The input times the scale, which is also what the person asked for. */
  readonly upscaled: Extent;
  /** The same raised by its short side, where it is too small for the model. */
  readonly raised: Extent | null;
  /** Resized down to whole multiples: what the networks see. */
  readonly working: Extent;
}

function workingSizes(image: Extent, scale: number, { multipleOf, minSide }: Manifest['image']): WorkingSizes {
  const upscaled = eachSide(image, (side) => side * scale);
  const short = Math.min(upscaled.height, upscaled.width);
  const raised = short < minSide ? eachSide(upscaled, (side) => Math.trunc((minSide * side) / short)) : null;
  const working = toMultiple(raised ?? upscaled, multipleOf);
  return { upscaled, raised, working };
}
