import type { Family } from '../../src/protocol/families.ts';
import type { RestoreRequest } from '../../src/protocol/request.ts';
import { restoreDiffBIR } from './diffbir.ts';
import { restorePASD } from './pasd.ts';
import { restoreSeeSR } from './seesr.ts';
import type { RunResult } from './shared/finish.ts';
import type { Lanes } from './shared/lanes.ts';

/** One result for each lane, in their order. */
type Pipeline = (lanes: Lanes, request: RestoreRequest) => Promise<readonly RunResult[]>;

/** The method of every family. */
export const PIPELINES: Readonly<Record<Family, Pipeline>> = {
  seesr: restoreSeeSR,
  diffbir: restoreDiffBIR,
  pasd: restorePASD,
};
