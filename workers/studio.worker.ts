import { expose, transfer } from 'comlink';
import { StudioError } from '../src/protocol/errors.ts';
import type { NoticeReason, RunEvent } from '../src/protocol/events.ts';
import { MODELS_CHANNEL } from '../src/protocol/models-api.ts';
import type { RunLane } from '../src/protocol/request.ts';
import type { DeviceReport, StudioApi } from '../src/protocol/studio-api.ts';
import { OpfsCheckpoints } from './checkpoints/opfs-checkpoints.ts';
import { Engine, oneAtATime } from './engine.ts';
import { Library } from './model-store/library.ts';
import { fallbackOrder, inspectDevice } from './sessions/device.ts';
import { wasmThreads, webRuntime } from './sessions/ort.ts';
import { buffersOf, eventBuffers, LIVING, modelsFolder, withWireFailures } from './transfer.ts';

/** Said once it is known, and to every run after. */
let uncached: string | null = null;
const files = new Library(modelsFolder(import.meta.url), (cause) => {
  if (uncached !== null) return;
  const reason = cause instanceof Error ? cause.message : String(cause);
  uncached = `Models cannot be kept in this browser: they are loaded anew on every visit (${reason}).`;
  notice('cache-unavailable', uncached);
});
const checkpoints = new OpfsCheckpoints((reason) => {
  const message = `The steps of a run cannot be kept in this browser: one that is cut off begins anew (${reason}).`;
  notice('steps-unkept', message);
});
let report: Promise<DeviceReport> | null = null;
let engine: Engine | null = null;
let current: CurrentRun | null = null;

interface CurrentRun {
  readonly lanes: readonly RunLane[];
  readonly stop: AbortController;
  readonly abort: AbortController;
  tell(reason: NoticeReason, message: string): Promise<void>;
  /** Where a paused run waits; null while it goes. */
  pause: { readonly over: Promise<void>; readonly end: () => void } | null;
}

/** For the run under way; where its listener is gone, its own next event fails. */
function notice(reason: NoticeReason, message: string): void {
  current?.tell(reason, message).catch(() => {});
}

const api: StudioApi = {
  async device(override) {
    report ??= inspectDevice(webRuntime, override === 'wasm' ? 1 : wasmThreads(), override);
    return report;
  },

  async bundles() {
    const { bundles, declined } = await files.index();
    return { bundles: bundles.map(({ manifest: _, ...bundle }) => bundle), declined };
  },

  async manifest(bundleId) {
    const { bundles } = await files.index();
    const entry = bundles.find(({ id }) => id === bundleId);
    if (entry === undefined) throw new StudioError('bundle-unknown', `There is no model “${bundleId}” here.`);
    return files.text(entry.manifest);
  },

  async run(lanes, request, onEvent) {
    if (current !== null) throw new StudioError('run-in-progress', 'A run is going on already; wait for it or cancel it.');
    const [lead] = lanes;
    if (lead === undefined) throw new RangeError('expected a lane to run, got none');
    const send = oneAtATime(async (event: RunEvent): Promise<void> => {
      await onEvent(transfer(event, eventBuffers(event)));
      // a message such as cancel is heard only between tasks
      await new Promise((resolve) => setTimeout(resolve));
    });
    const tell = (reason: NoticeReason, message: string): Promise<void> => send({ type: 'notice', runId: lead.runId, reason, message });
    const run: CurrentRun = { lanes, stop: new AbortController(), abort: new AbortController(), tell, pause: null };
    current = run;
    try {
      const ran = await ready();
      if (uncached !== null) await tell('cache-unavailable', uncached);
      const control = { stop: run.stop.signal, gate: async () => run.pause?.over, checkpoints };
      await ran.run(lanes, request, send, run.abort.signal, control);
    } catch (error) {
      // only a run whose device was lost is asked for again under its id
      if (!(error instanceof StudioError && error.code === 'device-lost')) await checkpoints.forget(lead.runId);
      throw error;
    } finally {
      current = null;
    }
  },

  async cancel(runId) {
    const run = runOf(runId);
    if (run === null) return;
    if (run.stop.signal.aborted) run.abort.abort();
    run.stop.abort();
    run.pause?.end();
  },

  async pause(runId) {
    const run = runOf(runId);
    if (run === null || run.pause !== null) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = (): void => {
      run.pause = null;
      resolve();
    };
    run.pause = { over: promise, end };
  },

  async goOn(runId) {
    runOf(runId)?.pause?.end();
  },

  async decodeStep(runId, index) {
    if (current !== null) throw new StudioError('run-in-progress', 'The step is decoded in full once the run has ended.');
    const { x0, low, high } = await (await ready()).decodeStep(runId, index);
    return transfer({ x0, low, high }, buffersOf(x0, low, high));
  },
};

function runOf(runId: string): CurrentRun | null {
  return current?.lanes.some((lane) => lane.runId === runId) === true ? current : null;
}

/** The engine on the backends this device was found to have. */
async function ready(): Promise<Engine> {
  const device = await api.device(null);
  engine ??= new Engine(webRuntime, fallbackOrder(device), files, device.memory, device.shaderF16);
  return engine;
}

new BroadcastChannel(MODELS_CHANNEL).onmessage = () => engine?.forgetBundles();
expose(withWireFailures({ ...api, ...LIVING }));
