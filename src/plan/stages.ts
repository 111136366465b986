import type { Stage } from '../protocol/events.ts';
import type { Manifest, Role } from '../protocol/manifest.ts';
import type { GraphWork } from './work.ts';
import { previewRoleOf } from './work.ts';

/** Where each role runs, but for what decodes previews, which runs while sampling too. */
const STAGE_OF: Readonly<Record<Role, Stage>> = {
  restorer: 'restore',
  tagger: 'tag',
  textEncoder: 'text',
  vaeEncoder: 'encode',
  conditionEncoder: 'denoise',
  denoiser: 'denoise',
  previewDecoder: 'denoise',
  vaeDecoder: 'decode',
};

/** The roles of a bundle that a stage runs. */
export function rolesIn(stage: Stage, { graphs }: Pick<Manifest, 'graphs'>): readonly Role[] {
  const shows = stage === 'denoise' ? previewRoleOf(graphs) : null;
  return (Object.keys(graphs) as Role[]).filter((role) => STAGE_OF[role] === stage || role === shows);
}

/** Bytes of the graphs that are loaded at once, and of running them. */
export interface GraphBytes {
  readonly weights: number;
  readonly graphs: number;
}

/** What all graphs of a run take together, or, `byStage`, those of the stage that takes most. */
export function graphBytesOf(graphs: readonly GraphWork[], lead: Pick<Manifest, 'graphs'>, byStage: boolean): GraphBytes {
  const bytesOf = (those: readonly GraphWork[]): GraphBytes => ({
    weights: those.reduce((sum, { loadedBytes }) => sum + loadedBytes, 0),
    graphs: those.reduce((sum, { runBytes }) => sum + runBytes, 0),
  });
  if (!byStage) return bytesOf(graphs);
  const stages = [...new Set(Object.values(STAGE_OF))].map((stage) => rolesIn(stage, lead));
  return stages
    .map((roles) => bytesOf(graphs.filter(({ role }) => roles.includes(role))))
    .reduce((most, one) => (one.weights + one.graphs > most.weights + most.graphs ? one : most));
}
