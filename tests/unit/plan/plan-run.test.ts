import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { heldBytes, KEPT_X0_BYTES } from '../../../src/plan/held.ts';
import { type Plan, type PlannedRun, planRun, type Refusal, type RunPlan, USABLE_SHARE } from '../../../src/plan/plan-run.ts';
import { type Manifest, parseManifest, type Role } from '../../../src/protocol/manifest.ts';
import type { DeviceMemory } from '../../../src/protocol/studio-api.ts';

const PLENTY: DeviceMemory = { totalBytes: 1e13, programBytes: 0, heapBytes: null, bindingBytes: null };

function shipped(id: string): Manifest {
  return parseManifest(readFileSync(new URL(`../../../public/models/${id}/manifest.json`, import.meta.url), 'utf8'));
}

const [SEESR, SEESR_RFSR, PASD, DIFFBIR] = [
  shipped('seesr-mini'),
  shipped('seesr-mini-rfsr'),
  shipped('pasd-mini'),
  shipped('diffbir-mini'),
];

function runOf(changes: Partial<PlannedRun> = {}): PlannedRun {
  const image = { height: 256, width: 512 };
  return {
    manifests: [SEESR],
    image,
    scale: 4,
    steps: 20,
    guidance: 1,
    preview: 'none',
    tileCells: null,
    region: null,
    depth: 8,
    ...changes,
  };
}

function accepted(plan: Plan): RunPlan {
  if (plan.kind !== 'plan') throw new Error(`expected a plan, got: ${plan.message}`);
  return plan;
}

function refused(plan: Plan): Refusal {
  if (plan.kind !== 'refusal') throw new Error('expected a refusal, got a plan');
  return plan;
}

/** What a run takes where nothing is short. */
function freely(changes: Partial<PlannedRun> = {}): RunPlan {
  return accepted(planRun(runOf(changes), PLENTY, null));
}

/** A device that lets a run have so many bytes. */
function having(bytes: number): DeviceMemory {
  return { ...PLENTY, totalBytes: bytes / USABLE_SHARE };
}

function denoiser({ graphs }: RunPlan) {
  const found = graphs.find(({ role }) => role === 'denoiser');
  if (found === undefined) throw new Error('expected a denoiser');
  return found;
}

describe('what a run takes', () => {
  it.each([[SEESR], [PASD], [DIFFBIR]])('is never less to keep and to compute for more pixels: $id', (manifest) => {
    // from where no side is raised
    const plans = Array.from({ length: 150 }, (_, i) => freely({ manifests: [manifest], image: { height: 32 + 8 * i, width: 700 } }));
    for (const [i, plan] of plans.entries()) {
      const before = plans[Math.max(0, i - 1)] ?? plan;
      expect(plan.bytes.latents + plan.bytes.pictures).toBeGreaterThanOrEqual(before.bytes.latents + before.bytes.pictures);
      expect(plan.macs).toBeGreaterThanOrEqual(before.macs);
    }
  });

  it.each([[SEESR], [PASD], [DIFFBIR]])('is more for twice the sides: $id', (manifest) => {
    const peaks = [64, 128, 256, 512, 1024].map(
      (side) => freely({ manifests: [manifest], image: { height: side, width: side } }).peakBytes,
    );
    for (const [i, peak] of peaks.entries()) expect(peak).toBeGreaterThan(peaks[i - 1] ?? 0);
  });

  it('is the same for a picture turned on its side, but for strips of its rows', () => {
    const [wide, tall] = [freely({ image: { height: 200, width: 640 } }), freely({ image: { height: 640, width: 200 } })];
    expect(tall.macs).toBe(wide.macs);
    expect(tall.bytes.latents).toBe(wide.bytes.latents);
    expect([tall.working.height, tall.working.width]).toEqual([wide.working.width, wide.working.height]);
    expect(denoiser(tall).cells).toEqual({ height: denoiser(wide).cells.width, width: denoiser(wide).cells.height });
  });

  it('counts a guided step twice, and every step', () => {
    const [plain, guided, longer] = [{}, { guidance: 2 }, { steps: 40 }].map((changes) => denoiser(freely(changes)));
    expect(guided?.macs).toBe(2 * (plain?.macs ?? 0));
    expect(guided?.runBytes).toBe(2 * (plain?.runBytes ?? 0));
    expect(longer?.macs).toBe(2 * (plain?.macs ?? 0));
  });

  it('counts every decoding of a step’s picture: one a step, by whichever decoder, and two where its bands are not kept', () => {
    const plain = { ...SEESR, image: { ...SEESR.image, decoding: undefined } };
    const macsOf = (role: Role, manifest: Manifest, changes: Partial<PlannedRun>): number =>
      freely({ manifests: [manifest], preview: 'bands', ...changes }).graphs.reduce(
        (sum, graph) => (graph.role === role ? sum + graph.macs : sum),
        0,
      );
    const [steps, small, large] = [20, { height: 256, width: 512 }, { height: 1000, width: 1000 }];
    const ratio = (image: PlannedRun['image']): number =>
      macsOf('previewDecoder', plain, { image, steps }) / macsOf('previewDecoder', plain, { image, steps: 1 });
    expect(ratio(small)).toBeCloseTo(steps, 6);
    expect(ratio(large)).toBeCloseTo(2 * steps - 1, 6);
    const bare = { ...plain, graphs: { ...SEESR.graphs, previewDecoder: undefined } };
    expect(macsOf('vaeDecoder', bare, { steps }) / macsOf('vaeDecoder', bare, { preview: 'none' })).toBeCloseTo(steps + 1, 6);
  });

  it('counts what is corrected too: once where it is one strip, else with every decoding', () => {
    const corrects = { ...SEESR, image: { ...SEESR.image, decoding: 'correction' as const } };
    const macs = (image: PlannedRun['image'], steps: number, manifest: Manifest): number => {
      const { graphs } = freely({ manifests: [manifest], preview: 'bands', image, steps });
      return graphs.find(({ role }) => role === 'previewDecoder')?.macs ?? Number.NaN;
    };
    const whole = { ...SEESR, image: { ...SEESR.image, decoding: undefined } };
    const [small, large] = [
      { height: 256, width: 512 },
      { height: 600, width: 600 },
    ];
    expect(macs(small, 20, corrects) / macs(small, 1, whole)).toBeCloseTo(21, 6);
    expect(macs(large, 20, corrects) / macs(large, 1, whole)).toBeCloseTo(40, 6);
  });

  it('counts once what a pair shares', () => {
    const [one, both] = [freely(), freely({ manifests: [SEESR, SEESR_RFSR] })];
    expect(both.graphs.filter(({ role }) => role === 'vaeEncoder')).toHaveLength(1);
    expect(both.graphs.filter(({ role }) => role === 'denoiser')).toHaveLength(2);
    expect(both.bytes.weights).toBeLessThan(2 * one.bytes.weights);
    const once = one.graphs.filter(({ role }) => ['restorer', 'tagger', 'textEncoder', 'vaeEncoder'].includes(role));
    const sharedMacs = once.reduce((sum, { macs }) => sum + macs, 0);
    expect(sharedMacs).toBeGreaterThan(0);
    expect(both.macs / (2 * one.macs - sharedMacs)).toBeCloseTo(1, 9);
  });

  it('keeps steps up to a budget', () => {
    const one = { height: 1, width: 1 };
    const [picture, lanes] = [
      { input: one, output: one, working: one },
      { lanes: 1, conditionChannels: 0, conditionLanes: 0 },
    ];
    const shape = { ...picture, ...lanes, latentChannels: 16, cells: { height: 2000, width: 1000 }, depth: 8 } as const;
    const kept = (steps: number) =>
      heldBytes('latents', 'sampling', { ...shape, steps, previews: false, firstStage: false, seesPicture: false });
    expect(kept(1) - kept(0)).toBe(2000 * 1000 * 16 * 4);
    expect(kept(200) - kept(0)).toBe(KEPT_X0_BYTES);
  });

  it('counts of a region what is computed for it: few tiles, its own pixels, but the whole’s latents', () => {
    const image = { height: 1500, width: 2000 };
    const [whole, part, all] = [
      freely({ image }),
      freely({ image, region: { top: 700, left: 900, height: 64, width: 64 } }),
      freely({ image, region: { top: 0, left: 0, ...image } }),
    ];
    expect(denoiser(part).pieces).toBeLessThanOrEqual(4);
    // the first stage sees all that the encoder sees for the denoiser’s tiles
    expect(part.macs).toBeLessThan(whole.macs / 8);
    expect(part.output).toEqual({ height: 256, width: 256 });
    expect(part.peakBytes).toBeLessThan(whole.peakBytes);
    expect(part.bytes.latents).toBeGreaterThan(whole.bytes.latents / 2);
    expect(all).toEqual(whole);
  });

  it('is the whole’s for a graph that may not be cut', () => {
    const [graph] = SEESR.graphs.vaeEncoder ?? [];
    if (graph === undefined) throw new Error('expected an encoder');
    const manifest = { ...SEESR, graphs: { ...SEESR.graphs, vaeEncoder: [{ ...graph, tiling: undefined }] } };
    const cellsOf = (plan: RunPlan) => plan.graphs.find(({ role }) => role === 'vaeEncoder')?.cells;
    expect(cellsOf(freely({ manifests: [manifest] }))).toEqual({ height: 128, width: 256 });
    expect(cellsOf(freely())?.height).toBeLessThan(128);
  });

  it('counts the enlarged input where the denoiser sees it at every step', () => {
    const denoisers = SEESR.graphs.denoiser.map((graph) => ({
      ...graph,
      inputs: [...graph.inputs, { name: 'condition', dtype: 'float32' as const, dims: ['B', 3, '8*h', '8*w'] }],
    }));
    const seeing = { ...SEESR, graphs: { ...SEESR.graphs, denoiser: denoisers, conditionEncoder: undefined } };
    const encoding = { ...SEESR, graphs: { ...SEESR.graphs, denoiser: denoisers } };
    const [seen, encoded] = [seeing, encoding].map((manifest) => freely({ manifests: [manifest] }));
    const { height, width } = freely().working;
    expect((seen?.bytes.pictures ?? 0) - (encoded?.bytes.pictures ?? 0)).toBe(4 * height * width);
  });

  it('is more for results of 16 bits', () => {
    const image = { height: 1500, width: 2000 };
    expect(freely({ image, depth: 16 }).peakBytes).toBeGreaterThan(freely({ image }).peakBytes);
  });

  it('is told in seconds by the device’s speed, and not where it is unknown', () => {
    const { macs, seconds } = accepted(planRun(runOf(), PLENTY, 1e9));
    expect(seconds).toBeCloseTo(macs / 1e9, 6);
    expect(freely().seconds).toBeNull();
  });

  it.each([
    [SEESR, 251, 509, [992, 2016]],
    [DIFFBIR, 251, 509, [1024, 2048]],
    [SEESR, 8, 24, [128, 128]],
    [SEESR, 2, 16_000, [128, 64_000]],
  ])('follows from what the family makes of the picture: case %#', (manifest, height, width, expected) => {
    const { working, output } = freely({ manifests: [manifest], image: { height, width } });
    expect([working.height, working.width]).toEqual(expected);
    expect(output).toEqual({ height: 4 * height, width: 4 * width });
  });
});

describe('tiles', () => {
  it('are the model’s own where memory is plenty: counted, with their size and the reason', () => {
    const plan = freely();
    expect(plan.tileCells).toBeNull();
    expect(plan.tiles).toBe('3 tiles of 896×1024, each step');
    expect(plan.reason).toMatch(/at most 1024 pixels/);
    expect(freely({ image: { height: 100, width: 200 } }).tiles).toBe('in one piece');
  });

  it('are smaller the less memory there is, once graphs are loaded stage by stage, and the plan says why', () => {
    const run = runOf({ manifests: [PASD], guidance: 2, image: { height: 512, width: 768 } });
    // each with just less than the one before needed
    const plans: RunPlan[] = [];
    for (let plan: Plan = freely(run); plan.kind === 'plan'; plan = planRun(run, having(plan.peakBytes - 1), null)) {
      expect(plan.peakBytes).toBeLessThan(plans.at(-1)?.peakBytes ?? Number.POSITIVE_INFINITY);
      expect(plan.macs).toBeGreaterThanOrEqual(plans[0]?.macs ?? 0);
      plans.push(plan);
    }
    expect(plans.map(({ tileCells, byStage }) => [tileCells, byStage])).toEqual([
      [null, false],
      [null, true],
      [64, true],
    ]);
    expect(plans[2]?.reason).toMatch(/fits this device’s memory/);
  });

  it.each([128, 96, 64] as const)('of blending graphs are at most the %d cells asked for', (tileCells) => {
    const plan = freely({ manifests: [DIFFBIR], image: { height: 600, width: 700 }, tileCells });
    for (const { role, cells } of plan.graphs) {
      if (role === 'denoiser' || role === 'restorer') expect(Math.max(cells.height, cells.width)).toBeLessThanOrEqual(tileCells);
    }
    expect(plan.tileCells).toBe(tileCells);
    expect(plan.reason).toMatch(tileCells === 128 ? /at most 1024/ : /as you chose/);
  });

  it('shrink for a GPU that binds small buffers only', () => {
    const run = runOf({ manifests: [PASD], image: { height: 512, width: 512 } });
    const bindingBytes = denoiser(freely(run)).runBytes / 2 - 1;
    expect(accepted(planRun(run, { ...PLENTY, bindingBytes }, null)).tileCells).toBe(64);
  });
});

describe('a refusal', () => {
  it.each([[SEESR], [PASD], [DIFFBIR]])('names the largest scale that the plan then accepts: $id', (manifest) => {
    const run = runOf({ manifests: [manifest], image: { height: 3000, width: 2000 } });
    const { code, remedy, message } = refused(planRun(run, having(1.5e9), null));
    if (remedy === null) throw new Error('expected a remedy');
    expect(code).toBe('image-too-large');
    expect(message).toContain(`×${remedy.scale} would fit`);
    expect(planRun({ ...run, ...remedy }, having(1.5e9), null).kind).toBe('plan');
    expect(planRun({ ...run, scale: remedy.scale + 1 }, having(1.5e9), null).kind).toBe('refusal');
  });

  it('names a size where no scale would do', () => {
    const run = runOf({ image: { height: 9000, width: 6000 }, scale: 2 });
    const { remedy, message } = refused(planRun(run, having(1e9), null));
    if (remedy === null) throw new Error('expected a remedy');
    expect(message).toContain(`reduced to ${remedy.image.width}×${remedy.image.height} first`);
    expect(planRun({ ...run, ...remedy }, having(1e9), null).kind).toBe('plan');
  });

  it('is for want of memory where not even the model fits', () => {
    const plan = planRun(runOf(), { ...PLENTY, heapBytes: 20e6 }, null);
    expect(plan).toMatchObject({ kind: 'refusal', code: 'out-of-memory', remedy: null });
  });
});
