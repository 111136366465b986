import { describe, expect, it } from 'vitest';
import { learnRate, parseRates, rateOf } from '../../../src/plan/rates.ts';
import type { DeviceReport } from '../../../src/protocol/studio-api.ts';
import { DEVICE } from '../../support/records.ts';

const PROBED: DeviceReport = {
  ...DEVICE,
  candidates: [{ backend: 'wasm', usable: true, probeMs: 10, macsPerSecond: 4e9, reason: '' }],
};

describe('the rate of a device', () => {
  it('is the probe’s until a run has finished, then the runs’', () => {
    expect(rateOf(PROBED, {})).toBe(4e9);
    const learned = learnRate({}, 'wasm', 6e9, 2);
    expect(rateOf(PROBED, learned)).toBe(3e9);
    expect(rateOf(PROBED, learnRate(learned, 'webgpu', 1e12, 1))).toBe(3e9);
  });

  it('moves towards what runs show', () => {
    let rates = learnRate({}, 'wasm', 8e9, 1);
    for (let run = 0; run < 10; run++) rates = learnRate(rates, 'wasm', 2e9, 1);
    expect((rates.wasm ?? 0) / 2e9).toBeGreaterThan(1);
    expect((rates.wasm ?? 0) / 2e9).toBeLessThan(1.01);
  });

  it('is unknown where neither is', () => {
    expect(rateOf(DEVICE, {})).toBeNull();
  });

  it('comes back from storage, and nothing else does', () => {
    expect(parseRates('{"wasm":3e9,"abacus":1,"webgpu":-1}')).toEqual({ wasm: 3e9 });
    for (const text of [null, '', '[]', '{"wasm":"fast"}']) expect(parseRates(text)).toEqual({});
  });
});
