import { expect, it } from 'vitest';
import { FolderFiles } from '../../../cli/folder-files.ts';
import { nodeRuntime } from '../../../cli/ort.ts';
import { type RunPlan, USABLE_SHARE } from '../../../src/plan/plan-run.ts';
import { rolesIn } from '../../../src/plan/stages.ts';
import { type RunEvent, STAGES } from '../../../src/protocol/events.ts';
import type { DeviceMemory } from '../../../src/protocol/studio-api.ts';
import { Engine } from '../../../workers/engine.ts';
import type { OrtRuntime } from '../../../workers/sessions/runtime.ts';
import { maxDifference } from '../../support/golden.ts';
import { gradient, NANO_ID, NANO_MODELS, NANO_RFSR_ID, nanoManifest, nanoRequest, resultOf } from '../../support/nano.ts';

const request = nanoRequest({ image: gradient(16, 24), steps: 2 });
const files = new FolderFiles(NANO_MODELS);
const PAIR = [NANO_ID, NANO_RFSR_ID];

/** ONNX Runtime that tells how many graphs are compiled. */
function counting(): { readonly runtime: OrtRuntime; readonly live: () => number } {
  let live = 0;
  const runtime: OrtRuntime = {
    async create(...words) {
      const session = await nodeRuntime.create(...words);
      live++;
      return {
        ...session,
        dispose: () => {
          live--;
          return session.dispose();
        },
      };
    },
  };
  return { runtime, live: () => live };
}

async function planned(engine: Engine, ids: readonly string[]): Promise<RunPlan> {
  const plan = await engine.plan(ids, request);
  if (plan.kind !== 'plan') throw new Error(plan.message);
  return plan;
}

/** A device that lets a run have so many bytes. */
function having(bytes: number): DeviceMemory {
  return { totalBytes: bytes / USABLE_SHARE, programBytes: 0, heapBytes: null, bindingBytes: null };
}

it.each([[[NANO_ID]], [PAIR]])(
  'where the graphs of %j do not fit together, those of a stage alone are compiled, for the same picture',
  async (ids) => {
    const lanes = ids.map((bundleId) => ({ runId: bundleId, bundleId }));
    const signal = new AbortController().signal;
    const free = new Engine(nodeRuntime, ['cpu'], files);
    const plenty = await planned(free, ids);
    const expected: RunEvent[] = [];
    await free.run(lanes, request, async (event) => void expected.push(event), signal);
    await free.dispose();

    const { runtime, live } = counting();
    const engine = new Engine(runtime, ['cpu'], files, having(plenty.peakBytes - 1));
    expect([plenty.byStage, (await planned(engine, ids)).byStage]).toEqual([false, true]);
    const events: RunEvent[] = [];
    const most = new Map<string, number>();
    let stage = 'load';
    const hear = async (event: RunEvent): Promise<void> => {
      events.push(event);
      if (event.type === 'stage') stage = event.stage;
      if (event.type !== 'stage') most.set(stage, Math.max(most.get(stage) ?? 0, live()));
    };
    await engine.run(lanes, request, hear, signal);
    for (const id of ids) expect(maxDifference(resultOf(events, id).rgba8, resultOf(expected, id).rgba8)).toBe(0);
    // of every graph a twin may have one of its own
    for (const at of STAGES) expect(most.get(at) ?? 0).toBeLessThanOrEqual(ids.length * rolesIn(at, nanoManifest()).length);
    expect(most.get('denoise')).toBeGreaterThan(0);
    await engine.dispose();
    expect(live()).toBe(0);
  },
);

it('every role has its stage, and what decodes previews runs while sampling', () => {
  const { graphs } = nanoManifest();
  expect(STAGES.flatMap((stage) => rolesIn(stage, { graphs })).sort()).toEqual(Object.keys(graphs).sort());
  const bare = { ...graphs, previewDecoder: undefined };
  expect(rolesIn('denoise', { graphs: bare })).toContain('vaeDecoder');
  expect(rolesIn('decode', { graphs: bare })).toContain('vaeDecoder');
});
