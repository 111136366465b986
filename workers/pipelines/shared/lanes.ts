import type { Role } from '../../../src/protocol/manifest.ts';
import type { PipelineContext } from '../context.ts';

/** The bundles of one run, stepped together on the same noise: one, or a base model and its RFSR twin. The first leads. */
export type Lanes = readonly [PipelineContext, ...PipelineContext[]];

/** The SHA-256 of every file of some roles: two bundles that agree in it compute the same there. */
export function graphHashes({ manifest }: Pick<PipelineContext, 'manifest'>, roles: readonly Role[]): string[] {
  return roles.flatMap((role) => manifest.graphs[role] ?? []).flatMap(({ files }) => files.map(({ sha256 }) => sha256));
}

/** `compute` for each lane, but once for lanes that share every graph of `roles`. Its second argument is the lane's place. */
export async function shared<T>(
  lanes: Lanes,
  roles: readonly Role[],
  compute: (lane: PipelineContext, index: number) => Promise<T>,
): Promise<readonly T[]> {
  const known = new Map<string, T>();
  const results: T[] = [];
  for (const [index, lane] of lanes.entries()) {
    const key = graphHashes(lane, roles).join();
    const result = known.get(key) ?? (await compute(lane, index));
    known.set(key, result);
    results.push(result);
  }
  return results;
}

/** Element `index` of a list with one for each lane. Throws TypeError when there is none. */
export function laneAt<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new TypeError(`expected something for lane ${index}, got ${list.length} in all`);
  return found;
}
