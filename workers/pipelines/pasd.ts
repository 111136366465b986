import type { RestoreRequest } from '../../src/protocol/request.ts';
import type { RunResult } from './shared/finish.ts';
import type { Lanes } from './shared/lanes.ts';
import { restoreFromInput } from './shared/restore-from-input.ts';

/**
 * PASD (Yang et al. 2308.14469; order and numbers of its test_pasd.py), with tags where it has a caption: its prompt, and the procedure it shares
 * with SeeSR. Its start is noised twice: a start point of the request.
 */
export async function restorePASD(lanes: Lanes, request: RestoreRequest): Promise<readonly RunResult[]> {
  return restoreFromInput(lanes, request, pasdPrompt);
}

/** Tags as PASD writes detected objects, each with its comma, in the place of a caption; quality words follow without a separator. */
function pasdPrompt(tags: readonly string[], user: string, positive: string): string {
  return `${tags.map((tag) => `${tag}, `).join('')}${user === '' ? '' : ` ${user}`}${positive}`;
}
