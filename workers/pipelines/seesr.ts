import type { RestoreRequest } from '../../src/protocol/request.ts';
import type { RunResult } from './shared/finish.ts';
import type { Lanes } from './shared/lanes.ts';
import { restoreFromInput } from './shared/restore-from-input.ts';

/** SeeSR (Wu et al. 2311.16518; order and numbers of its test_seesr.py): its prompt, and the procedure it shares with PASD. */
export async function restoreSeeSR(lanes: Lanes, request: RestoreRequest): Promise<readonly RunResult[]> {
  return restoreFromInput(lanes, request, seesrPrompt);
}

/** Its double comma included: `"{tags}, {user},{positive}"`. */
function seesrPrompt(tags: readonly string[], user: string, positive: string): string {
  return `${tags.join(', ')}, ${user},${positive}`;
}
