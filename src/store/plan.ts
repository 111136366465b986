import { type Plan, type PlannedRun, planRun } from '../plan/plan-run.ts';
import { rateOf } from '../plan/rates.ts';
import { stepsTaken } from '../protocol/events.ts';
import { resultDepth } from '../protocol/picture-file.ts';
import type { Extent } from '../protocol/request.ts';
import type { QueueItem } from './queue.ts';
import { pairOf, type RunRecord, type SettingsState, type StudioState } from './state.ts';

/** What a plan follows from besides a picture and its settings. */
export type Planning = Pick<StudioState, 'manifests' | 'bundles' | 'device' | 'saveOptions'> & {
  /** Bits a channel of the picture in the viewer; of those that wait nothing is known before they are read. */
  readonly ownDepth?: 8 | 16 | undefined;
};

export function planningOf({ manifests, bundles, device, saveOptions, picture }: StudioState): Planning {
  return { manifests, bundles, device, saveOptions, ownDepth: picture.source?.depth };
}

/** Multiply-accumulates a second of this device; null while nothing is known of it. */
export function knownRate({ device, rates }: Pick<StudioState, 'device' | 'rates'>): number | null {
  return device === null ? null : rateOf(device, rates);
}

/** What the latest plan was made of. */
let latest: { readonly asked: readonly unknown[]; readonly plan: Plan | null } | null = null;

/**
 * What a run of a picture of this size would take, or why it cannot be; null until model and device are known. Those who ask for the same one
 * after another share one plan.
 */
export function planOf(image: Extent, settings: SettingsState, planning: Planning, macsPerSecond: number | null): Plan | null {
  const { manifests, bundles, device, saveOptions, ownDepth } = planning;
  const asked = [image, settings, manifests, bundles, device, saveOptions, ownDepth, macsPerSecond];
  if (latest === null || asked.some((part, i) => part !== latest?.asked[i])) {
    latest = { asked, plan: makePlan(image, settings, planning, macsPerSecond) };
  }
  return latest.plan;
}

function makePlan(image: Extent, settings: SettingsState, planning: Planning, macsPerSecond: number | null): Plan | null {
  const { manifests, device, saveOptions, ownDepth } = planning;
  const { bundleId, compare, ...asked } = settings;
  const ids = (compare ? pairOf(planning, bundleId) : null) ?? [bundleId];
  const lanes = manifestsOf(manifests, ids);
  if (device === null || lanes === null) return null;
  const run = { ...asked, manifests: lanes, image, depth: resultDepth(saveOptions, ownDepth), preview: 'bands' } as const;
  return planRun(run, device.memory, macsPerSecond);
}

/**
 * Gives the multiply-accumulates of items by their plans; null until model and device are known. There are none for an item whose size is not
 * known, which was not looked at yet or is no picture and fails at once, nor for one that is refused. Each item is planned once: to find what
 * would fit instead of one that is refused takes a while.
 */
export function plannedMacs(planning: Planning): (item: QueueItem) => number | null {
  const planned = new WeakMap<QueueItem, number | null>();
  const macsFor = ({ size, settings }: QueueItem): number | null => {
    if (size === null) return 0;
    const plan = makePlan(size, settings, planning, null);
    return plan?.kind === 'refusal' ? 0 : (plan?.macs ?? null);
  };
  return (item) => {
    const known = planned.get(item);
    const macs = known === undefined ? macsFor(item) : known;
    planned.set(item, macs);
    return macs;
  };
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
