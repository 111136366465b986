import { describe, expect, it } from 'vitest';
import { knownRate, type Planning, plannedMacs, planOf } from '../../../src/store/plan.ts';
import { newItem, type QueueItem } from '../../../src/store/queue.ts';
import { INITIAL_STATE, type SettingsState } from '../../../src/store/state.ts';
import { NANO_ID, nanoManifest } from '../../support/nano.ts';
import { DEVICE } from '../../support/records.ts';

const SETTINGS: SettingsState = { ...INITIAL_STATE.settings, bundleId: NANO_ID, scale: 2, steps: 4 };
const SIZE = { height: 64, width: 96 };
const PLANNING: Planning = { ...INITIAL_STATE, manifests: { [NANO_ID]: nanoManifest() }, device: DEVICE };

function item(changes: Partial<QueueItem> = {}, settings: Partial<SettingsState> = {}): QueueItem {
  return { ...newItem('a', 'a.png', 1, { ...SETTINGS, ...settings }), size: SIZE, ...changes };
}

describe('the plan of a picture', () => {
  it('is in seconds what it computes, by the rate', () => {
    const plan = planOf(SIZE, SETTINGS, PLANNING, 1e6);
    if (plan?.kind !== 'plan') throw new TypeError('expected a plan');
    expect(plan.seconds).toBe(plan.macs / 1e6);
  });

  it('is made once for all who ask for it, and anew for what changed', () => {
    const plan = planOf(SIZE, SETTINGS, { ...PLANNING }, 1);
    expect(planOf(SIZE, SETTINGS, { ...PLANNING }, 1)).toBe(plan);
    for (const other of [
      planOf({ ...SIZE }, SETTINGS, PLANNING, 1),
      planOf(SIZE, { ...SETTINGS, steps: 5 }, PLANNING, 1),
      planOf(SIZE, SETTINGS, { ...PLANNING, device: { ...DEVICE } }, 1),
      planOf(SIZE, SETTINGS, PLANNING, 2),
    ]) {
      expect(other).not.toBe(plan);
    }
  });

  it('is none until model and device are known', () => {
    expect(planOf(SIZE, SETTINGS, { ...PLANNING, manifests: {} }, 1)).toBeNull();
    expect(planOf(SIZE, SETTINGS, { ...PLANNING, device: null }, 1)).toBeNull();
    expect(knownRate({ device: null, rates: { wasm: 1 } })).toBeNull();
    expect(knownRate({ device: DEVICE, rates: { wasm: 1 } })).toBe(1);
  });
});

describe('what an item computes', () => {
  const macsOf = plannedMacs(PLANNING);

  it('is what its own settings ask of its own size', () => {
    const plan = planOf(SIZE, SETTINGS, PLANNING, null);
    expect(plan).toMatchObject({ kind: 'plan', macs: macsOf(item()) });
    const macs = macsOf(item()) ?? Number.NaN;
    expect(macsOf(item({}, { steps: 8 }))).toBeGreaterThan(macs);
    expect(macsOf(item({ size: { height: 128, width: 96 } }))).toBeGreaterThan(macs);
  });

  it('is unknown until its model is known', () => {
    expect(macsOf(item({}, { bundleId: 'y' }))).toBeNull();
  });

  it('is nothing where it was not looked at yet', () => {
    expect(macsOf(item({ size: null }))).toBe(0);
  });

  it('is nothing where it is refused', () => {
    const device = { ...DEVICE, memory: { ...DEVICE.memory, totalBytes: 1e6 } };
    expect(planOf(SIZE, SETTINGS, { ...PLANNING, device }, null)?.kind).toBe('refusal');
    expect(plannedMacs({ ...PLANNING, device })(item())).toBe(0);
  });
});
