import { alphaIsMask, padBehindAlpha } from '../src/core/alpha.ts';
import { type Arithmetic, free, Held, PROCESSOR } from '../src/core/arithmetic.ts';
import { graphBudgetBytes, type Plan, planRun } from '../src/plan/plan-run.ts';
import { rolesIn } from '../src/plan/stages.ts';
import { StudioError } from '../src/protocol/errors.ts';
import type { Backend, RunEvent, Stage, StageSeconds, StepPreviews } from '../src/protocol/events.ts';
import { type Graph, type Manifest, parseIndex, type Role } from '../src/protocol/manifest.ts';
import type { RestoreRequest, RunLane } from '../src/protocol/request.ts';
import type { DeviceMemory } from '../src/protocol/studio-api.ts';
import { type Bundle, type BundleFiles, type FileEntry, type OnBytes, openAll, readBundle } from './model-store/bundle-files.ts';
import { checkRequest } from './pipelines/check.ts';
import type { PipelineContext, RunCheckpoints, TileLimits } from './pipelines/context.ts';
import { createTokenizer } from './pipelines/prompt.ts';
import { PIPELINES } from './pipelines/registry.ts';
import type { RunResult } from './pipelines/shared/finish.ts';
import { laneAt } from './pipelines/shared/lanes.ts';
import { decoderOf } from './pipelines/shared/latents.ts';
import { FULL_PIXELS, previewsOf } from './pipelines/shared/previews.ts';
import { type OnFallback, SessionPool } from './sessions/pool.ts';
import { type Feeds, type Fetches, fetched, type ModelFiles, type OrtRuntime, type Outputs } from './sessions/runtime.ts';

const UNKNOWN_MEMORY: DeviceMemory = { totalBytes: null, programBytes: 0, heapBytes: null, bindingBytes: null };
const DOWNLOAD_EVENT_BYTES = 2 ** 18;

/** A bundle under way in a run. */
interface Lane {
  readonly runId: string;
  readonly bundle: Bundle;
  readonly context: PipelineContext;
}

/** How a run can be held from outside, each where it matters. */
export interface RunControl {
  /** Fires when the person wants what there is: the run ends early with the last step's picture, once one step is taken. */
  readonly stop?: AbortSignal;
  /** Resolves at once, or when a pause ends. */
  readonly gate?: () => Promise<void>;
  readonly checkpoints?: CheckpointStore;
}

/** Where runs keep the steps they took, in case they are cut off. */
export interface CheckpointStore {
  /** The checkpoints of a run; `fingerprint` tells whether it is the same run that left them. */
  open(runId: string, fingerprint: string): RunCheckpoints;
  /** Removes what a run kept. */
  forget(runId: string): Promise<void>;
}

export type Emit = (event: RunEvent) => Promise<void>;

/**
 * Runs requests against bundles: the same in the browser's worker and in Node. What computes waits for what computed before: the runtime takes
 * one call at a time.
 */
export class Engine {
  readonly #runtime: OrtRuntime;
  readonly #files: BundleFiles;
  readonly #pool: SessionPool;
  readonly #memory: DeviceMemory;
  readonly #bundles = new Map<string, Promise<Bundle>>();
  /** Settles when all that computes has ended. */
  #computing: Promise<unknown> = Promise.resolve();
  /** The latest run's steps, lane by lane, for decoding in full on demand. */
  #latest: readonly (Pick<RunResult, 'x0ByStep' | 'visible' | 'centre'> & { readonly runId: string; readonly bundle: Bundle })[] = [];

  /** `backends`: best first; a graph that fails on one moves to the next. `memory`: what runs are planned for. `shaderF16`: see SessionPool. */
  constructor(
    runtime: OrtRuntime,
    backends: readonly Backend[],
    files: BundleFiles,
    memory: DeviceMemory = UNKNOWN_MEMORY,
    shaderF16?: boolean,
  ) {
    this.#runtime = runtime;
    this.#memory = memory;
    this.#files = files;
    this.#pool = new SessionPool(runtime, backends, graphBudgetBytes(memory, null), shaderF16);
  }

  /** A bundle by id, read once. Throws StudioError `bundle-unknown`, `manifest-invalid` or the files' errors. */
  bundle(id: string): Promise<Bundle> {
    const known = this.#bundles.get(id);
    if (known !== undefined) return known;
    const loading = this.#loadBundle(id);
    this.#bundles.set(id, loading);
    loading.catch(() => this.#bundles.delete(id));
    return loading;
  }

  /** Reads every bundle anew when it is next asked for: what there is has changed. */
  forgetBundles(): void {
    this.#bundles.clear();
  }

  /** What a run of some bundles, stepped together, will take, or why it cannot be; see `planRun`. Throws as `bundle`, RangeError for none. */
  async plan(bundleIds: readonly string[], request: RestoreRequest, macsPerSecond: number | null = null): Promise<Plan> {
    const [lead, ...others] = await Promise.all(bundleIds.map(async (id) => (await this.bundle(id)).manifest));
    if (lead === undefined) throw new RangeError('expected a bundle to plan for, got none');
    return planRun({ ...request, manifests: [lead, ...others] }, this.#memory, macsPerSecond);
  }

  /**
   * Runs a request to the `done` event of every lane, in tiles as planned. Throws StudioError (`option-invalid` for lanes that cannot be stepped
   * together; the plan's refusal before anything is loaded), or AbortError once `signal` fires, or `control.stop` before there is a step, taken or kept.
   */
  async run(runs: readonly RunLane[], request: RestoreRequest, send: Emit, signal: AbortSignal, control: RunControl = {}): Promise<void> {
    checkRequest(request);
    return this.#inTurn(() => this.#run(runs, request, oneAtATime(send), signal, control));
  }

  async #run(runs: readonly RunLane[], request: RestoreRequest, send: Emit, signal: AbortSignal, control: RunControl): Promise<void> {
    const life = new GraphLife(this.#pool);
    try {
      await this.#runWith(life, runs, request, send, signal, control);
    } finally {
      life.end();
    }
  }

  async #runWith(
    life: GraphLife,
    runs: readonly RunLane[],
    request: RestoreRequest,
    send: Emit,
    signal: AbortSignal,
    control: RunControl,
  ): Promise<void> {
    const clock = new StageClock();
    const [leader, ...followers] = runs;
    if (leader === undefined) throw new RangeError('expected a lane to run, got none');
    const plan = await this.plan(
      runs.map(({ bundleId }) => bundleId),
      request,
    );
    if (plan.kind === 'refusal') throw new StudioError(plan.code, plan.message);
    const { tileCells } = plan;
    const planned = { ...request, tileCells };
    const bundles = await Promise.all(runs.map(({ bundleId }) => this.bundle(bundleId)));
    const needed = (stage: Stage): Graph[] =>
      bundles.flatMap((bundle) => rolesIn(stage, bundle.manifest).flatMap((role) => chainOf(bundle, role)));
    if (!plan.byStage) life.hold(bundles.flatMap(graphsOf));
    await this.#pool.allow(graphBudgetBytes(this.#memory, plan));
    // the denoiser's is where nearly all of a run's time goes
    const [denoiser] = chainOf(laneAt(bundles, 0), 'denoiser');
    if (denoiser === undefined) throw new TypeError(`expected ${leader.bundleId} to have a denoiser`);
    const backend = (): Backend => this.#pool.backendOf(denoiser);
    const arithmetic = (): Arithmetic => this.#runtime.arithmetic?.(backend()) ?? PROCESSOR;
    const checkpoints = control.checkpoints?.open(leader.runId, await fingerprintOf(bundles, planned)) ?? null;
    const begun = (await checkpoints?.begun()) ?? false;
    const stop = control.stop ?? NEVER;
    const throwIfEnded = (role: Role | null): void => {
      signal.throwIfAborted();
      // what is decoded by then is what the person wants to keep; what was kept of a run that was cut off is told by its steps
      const keeps = clock.stage === 'decode' || (begun && role !== 'denoiser' && role !== 'previewDecoder');
      if (!keeps) stop.throwIfAborted();
    };
    const enter = async (stage: Stage): Promise<void> => {
      clock.enter(stage);
      if (stage !== 'decode') throwIfEnded(null);
      await send({ type: 'stage', runId: leader.runId, stage, backend: backend() });
      if (plan.byStage) await life.holdOnly(needed(stage));
    };
    const loading = begun ? signal : AbortSignal.any([signal, stop]);
    const tiles: TileLimits = new Map();
    await enter('load');
    const open = async ({ runId, bundleId }: RunLane): Promise<Lane> => {
      const bundle = await this.bundle(bundleId);
      if (tileCells !== null) for (const role of rolesOf(bundle)) tiles.set(role, tileCells);
      const emit: PipelineContext['emit'] = (event) => send({ ...event, runId } as RunEvent);
      await this.#fetch(bundle, emit, loading);
      if (!plan.byStage) await this.#compile(bundle, emit, loading);
      const turn = async <T>(role: Role, work: () => Promise<T>): Promise<T> => {
        if (control.gate !== undefined) await clock.standStill(control.gate);
        throwIfEnded(role);
        return clock.measure(work);
      };
      const runInPlace: PipelineContext['runInPlace'] = async (role, feeds) => {
        const outputs = await turn(role, () => this.#runRole(bundle, role, feeds, emit, signal));
        try {
          throwIfEnded(role);
        } catch (ended) {
          Object.values(outputs).forEach(free);
          throw ended;
        }
        return outputs;
      };
      const run: PipelineContext['run'] = async (role, feeds) => {
        const fetches = await turn(role, async () => fetched(await this.#runRole(bundle, role, feeds, emit, signal)));
        throwIfEnded(role);
        return fetches;
      };
      const moveOn: PipelineContext['moveOn'] = (role, reason) => this.#moveOn(bundle, role, reason, emit);
      const tokenizer = await this.#tokenizer(bundle, loading);
      const { manifest } = bundle;
      const now = (): number => clock.now();
      const speak = { now, emit, stage: enter };
      const compute = { backend, arithmetic, tiles, run, runInPlace, moveOn };
      const context = { manifest, tokenizer, signal, stop, checkpoints: null, ...speak, ...compute };
      return { runId, bundle, context };
    };
    const lead = await open(leader);
    const others: Lane[] = [];
    for (const follower of followers) others.push(await open(follower));
    checkTogether(lead.bundle.manifest, others);
    const lanes = [lead, ...others];
    const masked = (request.alpha ?? (alphaIsMask(request.image) ? 'mask' : 'transparency')) === 'mask';
    const padded = masked ? { ...planned, alpha: 'mask' as const } : { ...planned, image: padBehindAlpha(request.image) };
    const pipeline = PIPELINES[lead.bundle.manifest.family];
    const results = await pipeline([{ ...lead.context, checkpoints }, ...others.map(({ context }) => context)], padded);
    const timings = clock.finish();
    this.#latest = lanes.map(({ runId, bundle }, i) => {
      const { x0ByStep, visible, centre } = laneAt(results, i);
      return { runId, bundle, x0ByStep, visible, centre };
    });
    for (const [i, { runId }] of lanes.entries()) {
      const { height, width, recipe } = laneAt(results, i);
      await send({ type: 'done', runId, height, width, timings, graphSeconds: clock.graphSeconds, recipe });
    }
    await control.checkpoints?.forget(leader.runId);
  }

  /** Step `index` of a lane of the latest run through the full decoder. Throws RangeError when it is not kept any more. */
  decodeStep(runId: string, index: number): Promise<StepPreviews> {
    return this.#inTurn(() => this.#decodeStep(runId, index));
  }

  async #decodeStep(runId: string, index: number): Promise<StepPreviews> {
    const lane = this.#latest.find((kept) => kept.runId === runId);
    const latent = lane?.x0ByStep[index] ?? null;
    if (lane === undefined || latent === null) throw new RangeError(`expected a step of the latest run, got ${runId} step ${index}`);
    const { bundle, visible, centre } = lane;
    const emit = async (): Promise<void> => {};
    const context = {
      manifest: bundle.manifest,
      tiles: new Map(),
      emit,
      run: async (role: Role, feeds: Feeds): Promise<Fetches> => fetched(await this.#runRole(bundle, role, feeds, emit, NEVER)),
      moveOn: (role: Role, reason: string) => this.#moveOn(bundle, role, reason, emit),
    };
    return previewsOf(decoderOf(context, centre)(latent), null, visible, FULL_PIXELS);
  }

  /** Frees every compiled graph and all that was kept of the latest run. */
  dispose(): Promise<void> {
    return this.#inTurn(async () => {
      this.#latest = [];
      await this.#pool.dispose();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#computing.then(work);
    this.#computing = result.catch(() => {});
    return result;
  }

  async #loadBundle(id: string): Promise<Bundle> {
    const { bundles } = parseIndex(await this.#files.text('index.json'));
    const entry = bundles.find((bundle) => bundle.id === id);
    if (entry === undefined) {
      const known = bundles.map((bundle) => bundle.id).join(', ');
      throw new StudioError('bundle-unknown', `There is no model “${id}” here. There is: ${known}.`, { details: { id } });
    }
    return readBundle(entry.manifest, await this.#files.text(entry.manifest));
  }

  /** Fetches what is not here yet. */
  async #fetch(bundle: Bundle, emit: PipelineContext['emit'], signal: AbortSignal): Promise<void> {
    const totalBytes = bundle.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    let loadedBytes = 0;
    let told = 0;
    const missing: FileEntry[] = [];
    for (const file of bundle.files) {
      if (await this.#files.has(file)) loadedBytes += file.sizeBytes;
      else missing.push(file);
    }
    const tell = async (least: number): Promise<void> => {
      if (loadedBytes - told < least) return;
      told = loadedBytes;
      await emit({ type: 'download', loadedBytes, totalBytes });
    };
    const onBytes: OnBytes = (count) => {
      loadedBytes += count;
      return tell(DOWNLOAD_EVENT_BYTES);
    };
    const open = async (file: FileEntry, either: AbortSignal): Promise<void> => {
      await this.#files.open(file, onBytes, either);
      await tell(1);
    };
    await openAll(missing, open, signal);
  }

  /** Compiles every graph, so that sampling starts without a pause. */
  async #compile(bundle: Bundle, emit: PipelineContext['emit'], signal: AbortSignal): Promise<void> {
    for (const graph of graphsOf(bundle)) {
      signal.throwIfAborted();
      await this.#session(bundle, graph, emit, signal);
    }
  }

  #session(bundle: Bundle, graph: Graph, emit: PipelineContext['emit'], signal: AbortSignal) {
    return this.#pool.session(graph, () => this.#modelOf(bundle, graph, signal), tellFallback(emit));
  }

  /** The graph is the first of its files; it names the others, which hold weights, as they are called without their folders. */
  async #modelOf({ resolve }: Bundle, { id, files }: Graph, signal: AbortSignal): Promise<ModelFiles> {
    const opened = await Promise.all(files.map((file) => this.#files.open({ ...file, path: resolve(file.path) }, async () => {}, signal)));
    const [graph, ...shards] = opened;
    if (graph === undefined) throw new StudioError('manifest-invalid', `The model part “${id}” is in no file.`);
    return { graph, externalData: shards.map((data, i) => ({ path: files[i + 1]?.path.split('/').at(-1) ?? '', data })) };
  }

  /**
   * A role's chain: what one graph gives, a later one may take, where it lies. A graph that fails or gives no numbers goes on on the next backend.
   * What the last gives is the caller's to free.
   */
  async #runRole(bundle: Bundle, role: Role, feeds: Feeds, emit: PipelineContext['emit'], signal: AbortSignal): Promise<Outputs> {
    const chain = chainOf(bundle, role);
    const between = new Held();
    let known: Feeds = feeds;
    try {
      for (const graph of chain.slice(0, -1)) {
        const outputs = await this.#runGraph(bundle, graph, known, emit, signal);
        for (const output of Object.values(outputs)) between.hold(output);
        known = { ...known, ...outputs };
      }
      return await this.#runGraph(bundle, laneAt(chain, chain.length - 1), known, emit, signal);
    } finally {
      between.keepOnly([]);
    }
  }

  async #runGraph(bundle: Bundle, graph: Graph, feeds: Feeds, emit: PipelineContext['emit'], signal: AbortSignal): Promise<Outputs> {
    for (;;) {
      const session = await this.#session(bundle, graph, emit, signal);
      try {
        return await session.runInPlace(feeds);
      } catch (error) {
        const mendable = error instanceof StudioError && (error.code === 'graph-failed' || error.code === 'output-invalid');
        if (!mendable || !(await this.#pool.moveOn(graph, error.message, tellFallback(emit)))) throw error;
      }
    }
  }

  async #moveOn(bundle: Bundle, role: Role, reason: string, emit: PipelineContext['emit']): Promise<boolean> {
    let moved = false;
    for (const graph of chainOf(bundle, role)) moved = (await this.#pool.moveOn(graph, reason, tellFallback(emit))) || moved;
    return moved;
  }

  async #tokenizer({ manifest, resolve }: Bundle, signal: AbortSignal) {
    const file = { ...manifest.tokenizer, path: resolve(manifest.tokenizer.path) };
    return createTokenizer(await (await this.#files.open(file, async () => {}, signal)).text(), manifest.tokenizer);
  }
}

/** Which graphs a run keeps compiled. */
class GraphLife {
  readonly #pool: SessionPool;
  #held: readonly Graph[] = [];
  #unpin = (): void => {};

  constructor(pool: SessionPool) {
    this.#pool = pool;
  }

  /** Lets these stay in place of those before. */
  hold(graphs: readonly Graph[]): void {
    const unpin = this.#unpin;
    this.#unpin = this.#pool.pin(graphs);
    this.#held = graphs;
    unpin();
  }

  /** The same, and frees those before that are not among them. */
  async holdOnly(graphs: readonly Graph[]): Promise<void> {
    const before = this.#held;
    this.hold(graphs);
    await this.#pool.release(before);
  }

  end(): void {
    this.#unpin();
  }
}

/** `send` for events that come from several places: each goes out when the listener has taken the one before. */
export function oneAtATime(send: Emit): Emit {
  let before: Promise<unknown> = Promise.resolve();
  return (event) => {
    const sent = before.then(() => send(event));
    before = sent.catch(() => {});
    return sent;
  };
}

/** A signal that never fires. */
const NEVER = new AbortController().signal;

function rolesOf({ manifest }: Bundle): readonly Role[] {
  return Object.keys(manifest.graphs) as Role[];
}

function chainOf({ manifest }: Bundle, role: Role): readonly Graph[] {
  const chain = manifest.graphs[role];
  if (chain === undefined) throw new TypeError(`expected a bundle with the role ${role}`);
  return chain;
}

function graphsOf(bundle: Bundle): readonly Graph[] {
  return rolesOf(bundle).flatMap((role) => chainOf(bundle, role));
}

function tellFallback(emit: PipelineContext['emit']): OnFallback {
  return async ({ id }, from, to, reason) => {
    const message = `The model part “${id}” runs on ${to} instead of ${from}: ${reason}`;
    await emit({ type: 'notice', reason: 'backend-changed', message, code: 'graph-failed' });
  };
}

/** SHA-256 of all that determines a run's steps: the graphs, the request and the picture. */
async function fingerprintOf(bundles: readonly Bundle[], { image, preview: _, ...asked }: RestoreRequest): Promise<string> {
  const graphs = bundles.map((bundle) => bundle.files.map(({ sha256 }) => sha256));
  const words = new TextEncoder().encode(JSON.stringify({ graphs, asked, height: image.height, width: image.width }, inOrder));
  const digests = await Promise.all([words, image.rgba8].map((bytes) => crypto.subtle.digest('SHA-256', bytes)));
  return digests.map((digest) => [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')).join('-');
}

/** For JSON.stringify: keys in one order, whichever they were given in; a request read from storage has another than one that was set. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Lanes share picture sizes, latents and schedule, so their bundles must agree in those. */
function checkTogether(lead: Manifest, others: readonly Lane[]): void {
  const shape = ({ family, tagged, image, latent, scheduler }: Manifest): string =>
    JSON.stringify({ family, tagged, image, latent, scheduler });
  for (const { bundle } of others) {
    if (shape(bundle.manifest) === shape(lead)) continue;
    throw new StudioError(
      'option-invalid',
      `“${lead.title}” and “${bundle.manifest.title}” cannot be run together: they are built differently.`,
      {
        details: { bundles: [lead.id, bundle.manifest.id] },
      },
    );
  }
}

/** Seconds of each stage, and of graphs among them; those in a pause are not counted. */
class StageClock {
  readonly #stages: { stage: Stage; began: number }[] = [];
  #pausedMs = 0;
  graphSeconds = 0;

  /** The one under way. */
  get stage(): Stage | undefined {
    return this.#stages.at(-1)?.stage;
  }

  now(): number {
    return performance.now() - this.#pausedMs;
  }

  /** Does not go on until the gate lets through. */
  async standStill(gate: () => Promise<void>): Promise<void> {
    const began = performance.now();
    await gate();
    this.#pausedMs += performance.now() - began;
  }

  enter(stage: Stage): void {
    this.#stages.push({ stage, began: this.now() });
  }

  async measure<T>(work: () => Promise<T>): Promise<T> {
    const began = this.now();
    const result = await work();
    this.graphSeconds += (this.now() - began) / 1000;
    return result;
  }

  finish(): StageSeconds[] {
    const end = this.now();
    return this.#stages.map(({ stage, began }, i) => ({ stage, seconds: ((this.#stages[i + 1]?.began ?? end) - began) / 1000 }));
  }
}
