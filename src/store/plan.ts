import { type Plan, type PlannedRun, planRun } from '../plan/plan-run.ts';
import { rateOf } from '../plan/rates.ts';
import { stepsTaken } from '../protocol/events.ts';
import { resultDepth } from '../protocol/picture-file.ts';
import { pairOf, type RunRecord, type StudioState } from './state.ts';

type Planned = Pick<StudioState, 'picture' | 'settings' | 'manifests' | 'bundles' | 'device' | 'rates' | 'saveOptions'>;

/** What a press of Upscale would take, or why it cannot be; null until picture, model and device are known. */
export function planOf({ picture, settings, manifests, bundles, device, rates, saveOptions }: Planned): Plan | null {
  if (picture.status !== 'ready' || device === null) return null;
  const { bundleId, compare, ...asked } = settings;
  const ids = (compare ? pairOf({ bundles, manifests }, bundleId) : null) ?? [bundleId];
  const lanes = manifestsOf(manifests, ids);
  if (lanes === null) return null;
  const run = { ...asked, manifests: lanes, image: picture, depth: resultDepth(saveOptions), preview: 'bands' } as const;
  return planRun(run, device.memory, rateOf(device, rates));
}

/** Multiply-accumulates of a finished run and all that ran with it; null where it cannot be told any more. */
export function macsOf({ manifests, runs, queue, device }: StudioState, { laneIds, itemId, finished }: RunRecord): number | null {
  const ids = laneIds.map((laneId) => runs.find(({ runId }) => runId === laneId)?.bundleId ?? '');
  const lanes = manifestsOf(manifests, ids);
  const image = queue.items.find(({ id }) => id === itemId)?.size ?? null;
  if (lanes === null || finished === null || image === null || device === null) return null;
  const { recipe } = finished;
  const plan = planRun({ ...recipe, steps: stepsTaken(recipe), manifests: lanes, image, preview: 'bands' }, device.memory, null);
  return plan.kind === 'plan' ? plan.macs : null;
}

function manifestsOf(known: StudioState['manifests'], ids: readonly string[]): PlannedRun['manifests'] | null {
  const [lead, ...others] = ids.flatMap((id) => known[id] ?? []);
  return lead === undefined || others.length + 1 < ids.length ? null : [lead, ...others];
}
