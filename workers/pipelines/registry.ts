import { StudioError } from '../../src/protocol/errors.ts';
import type { Manifest } from '../../src/protocol/manifest.ts';
import type { RestoreRequest } from '../../src/protocol/request.ts';
import { type RunResult, restoreSeeSR } from './seesr.ts';
import type { Lanes } from './shared/lanes.ts';

/** One result for each lane, in their order. */
type Pipeline = (lanes: Lanes, request: RestoreRequest) => Promise<readonly RunResult[]>;

const PIPELINES: Readonly<Partial<Record<Manifest['family'], Pipeline>>> = { seesr: restoreSeeSR };

/** The method of a bundle's family. Throws StudioError `bundle-unknown` for a family this version cannot run. */
export function pipelineOf({ family, title }: Manifest): Pipeline {
  const pipeline = PIPELINES[family];
  if (pipeline === undefined)
    throw new StudioError('bundle-unknown', `This version cannot run ${family} models such as “${title}”.`, { details: { family } });
  return pipeline;
}
