import type { StoreApi } from 'zustand/vanilla';
import { cropPicture } from '../core/picture.ts';
import { modelDefaults } from '../protocol/default-request.ts';
import { isAbort, StudioError } from '../protocol/errors.ts';
import { BACKENDS, type Backend, type RunEvent } from '../protocol/events.ts';
import { type Manifest, parseManifest } from '../protocol/manifest.ts';
import { type Mix, type PictureRecipe, RECIPE_KEYWORD, readRecipe, recipeTexts } from '../protocol/recipe.ts';
import type { Image8, RestoreRequest } from '../protocol/request.ts';
import type { PictureDifference } from '../protocol/studio-api.ts';
import type { Clients } from '../worker-client/clients.ts';
import {
  type Frames,
  firstStageFrameId,
  inputFrameId,
  PICTURE_FRAME_ID,
  REFERENCE_FRAME_ID,
  resultFrameId,
  stepFrameId,
} from './frames.ts';
import { abandonRuns, addMessage, beginRuns, reduceEvent, setReference, setSimilarity } from './reduce.ts';
import {
  INITIAL_STATE,
  pairOf,
  type RunRecord,
  type SettingsState,
  type StudioState,
  shownPartner,
  shownRun,
  type ViewState,
} from './state.ts';

/** What a person can do. Only these call the workers; failures become messages, never exceptions. */
export interface Actions {
  /** Inspects the device and loads the list of models. Called once, after the first paint. */
  start(search: string): Promise<void>;
  open(file: Blob, name: string): Promise<void>;
  /** Opens a picture too, but where one is open already, a picture of the studio's own only gives back the settings that made it. */
  drop(file: Blob, name: string): Promise<void>;
  openSample(path: string, name: string): Promise<void>;
  change(settings: Partial<SettingsState>): void;
  /** Also takes over the model's own defaults. */
  chooseBundle(id: string): Promise<void>;
  upscale(): Promise<void>;
  cancel(): Promise<void>;
  show(view: Partial<ViewState>): void;
  /** A run of the last ones, or, with null, the picture as it came. */
  showRun(runId: string | null): void;
  /** Decodes the shown step in full, of both runs of a pair, unless it is here or a run is going. */
  decodeShownStep(): Promise<void>;
  /** b − a of two kept pictures, as the view asks for differences; null when one is not kept or it fails. */
  difference(a: string, b: string): Promise<PictureDifference | null>;
  /** The shown pair mixed; null when there is no finished pair or it fails. */
  mix(mix: Mix): Promise<Image8 | null>;
  /** A picture to measure steps against, or none. */
  setReference(file: File | null): Promise<void>;
  download(which: ResultName): Promise<{ readonly blob: Blob; readonly name: string } | null>;
  dismiss(id: number): void;
}

/** A picture that can be saved: the run's own result, the RFSR one of a pair, or their mix. */
export type ResultName = 'result' | 'rfsr' | 'mix';

/** Actions over a store, its pictures and the workers. */
export function createActions(store: StoreApi<StudioState>, frames: Frames, clients: Clients): Actions {
  /** Until the models are listed, none can be chosen. */
  let starting: Promise<void> = Promise.resolve();
  const set = (change: (state: StudioState) => StudioState): void => store.setState(change);

  function fail(error: unknown): void {
    if (isAbort(error)) return;
    const known = error instanceof StudioError ? error : null;
    const text = known?.message ?? `Something went wrong (${error instanceof Error ? error.message : String(error)}).`;
    const details = JSON.stringify(known?.toData() ?? { message: text }, null, 1);
    set((state) => addMessage(state, { kind: 'error', text, code: known?.code ?? 'internal', details }));
  }

  /** What the work gives; null when it fails, which becomes a message. */
  async function attemptFor<T>(work: () => Promise<T | null>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      fail(error);
      return null;
    }
  }

  async function attempt(work: () => Promise<void>): Promise<void> {
    await attemptFor(async () => {
      await work();
      return null;
    });
  }

  /** Takes over the settings of a recipe; a model that is not here stays unchosen, and is named. */
  async function restore({ recipe, mix }: PictureRecipe, name: string): Promise<void> {
    await starting;
    const known = store.getState().bundles.some(({ id }) => id === recipe.bundleId);
    if (known) await actions.chooseBundle(recipe.bundleId);
    const { scale, steps, guidance, seed, sampler, startPoint, colorFix, prompt } = recipe;
    actions.change({ scale, steps, guidance, seed, sampler, startPoint, colorFix, ...prompt, compare: mix !== null });
    const model = known ? recipe.bundleTitle : `all but the model, “${recipe.bundleTitle}”, which is not here`;
    const text = `Settings restored from “${name}”: ${model}, ${steps} steps, seed ${seed}. To enlarge that picture itself, use Open.`;
    set((state) => addMessage(state, { kind: 'notice', text, code: null, details: 'recipe' }));
  }

  async function openPicture(bytes: ArrayBuffer, name: string): Promise<void> {
    set((state) => ({ ...state, picture: { ...state.picture, status: 'loading' }, messages: [] }));
    try {
      const image = await clients.decode(bytes, name);
      frames.put(PICTURE_FRAME_ID, image);
      const { height, width } = image;
      set((state) => ({
        ...state,
        picture: { status: 'ready', name, height, width, version: state.picture.version + 1 },
        settings: { ...state.settings, tags: null, region: null },
        seen: null,
        shownRunId: null,
      }));
    } catch (error) {
      const before = frames.get(PICTURE_FRAME_ID) === undefined ? 'empty' : 'ready';
      set((state) => ({ ...state, picture: { ...state.picture, status: before } }));
      throw error;
    }
  }

  function onEvent(event: RunEvent): void {
    if (event.type === 'step' && event.previews !== null) {
      for (const layer of ['x0', 'low', 'high'] as const) {
        frames.put(stepFrameId(event.runId, event.index, layer), event.previews[layer]);
      }
    }
    if (event.type === 'first-stage') frames.put(firstStageFrameId(event.runId), event.image);
    if (event.type === 'rows') frames.putRows(resultFrameId(event.runId), event.whole, event.top, event.image);
    set((state) => reduceEvent(state, event));
    if (event.type === 'step') void attempt(() => measureStep(event.runId, event.index));
  }

  /** Measures a step against the reference, where there is one and the step's preview is kept. */
  async function measureStep(runId: string, index: number): Promise<void> {
    const { reference } = store.getState();
    if (reference === null) return;
    const wanted = frames.get(REFERENCE_FRAME_ID);
    const preview = frames.get(stepFrameId(runId, index, 'x0'));
    if (wanted === undefined || preview === undefined) return;
    const similarity = await clients.similarity(preview, wanted);
    if (store.getState().reference === reference) set((state) => setSimilarity(state, runId, index, similarity));
  }

  async function loadManifest(id: string): Promise<Manifest> {
    const known = store.getState().manifests[id];
    if (known !== undefined) return known;
    const manifest = parseManifest(await clients.manifest(id));
    set((state) => ({ ...state, manifests: { ...state.manifests, [id]: manifest } }));
    return manifest;
  }

  const actions: Actions = {
    start(search) {
      starting = attempt(async () => {
        const device = await clients.device(backendFrom(search));
        set((state) => ({ ...state, device }));
        const bundles = await clients.bundles();
        set((state) => ({ ...state, bundles }));
        const wanted = bundles.find(({ id }) => id === store.getState().settings.bundleId) ?? bundles[0];
        if (wanted === undefined) return;
        const { settings } = store.getState();
        const own = Object.entries(settings).filter(([key, value]) => value !== INITIAL_STATE.settings[key as keyof SettingsState]);
        await actions.chooseBundle(wanted.id);
        // what was changed while the models were being listed stays changed
        actions.change(Object.fromEntries(own));
      });
      return starting;
    },

    open: (file, name) => attempt(async () => openPicture(await file.arrayBuffer(), name)),

    drop: (file, name) =>
      attempt(async () => {
        const bytes = await file.arrayBuffer();
        const texts = await clients.texts(bytes.slice(0));
        if (store.getState().picture.status === 'empty' || !(RECIPE_KEYWORD in texts)) await openPicture(bytes, name);
        const carried = readRecipe(texts);
        if (carried !== null) await restore(carried, name);
      }),

    openSample: (path, name) =>
      attempt(async () => {
        const response = await fetch(path);
        if (!response.ok) throw new StudioError('network-failed', 'The sample picture could not be loaded.');
        await openPicture(await response.arrayBuffer(), name);
      }),

    change: (settings) => set((state) => ({ ...state, settings: { ...state.settings, ...settings } })),

    chooseBundle: (id) =>
      attempt(async () => {
        const defaults = modelDefaults(await loadManifest(id));
        set((state) => ({ ...state, settings: { ...state.settings, ...defaults, bundleId: id } }));
      }),

    upscale: () =>
      attempt(async () => {
        const image = frames.get(PICTURE_FRAME_ID);
        const { settings, manifests, picture, progress } = store.getState();
        if (image === undefined || progress !== null || manifests[settings.bundleId] === undefined) return;
        const pair = settings.compare ? pairOf(store.getState(), settings.bundleId) : null;
        const lanes = (pair ?? [settings.bundleId]).map((bundleId) => ({ runId: crypto.randomUUID(), bundleId }));
        const laneIds = lanes.map(({ runId }) => runId);
        const records: RunRecord[] = [];
        const input = settings.region === null ? image : cropPicture(image, settings.region);
        for (const lane of lanes) {
          const { title } = await loadManifest(lane.bundleId);
          records.push({
            ...lane,
            laneIds,
            bundleTitle: title,
            pictureVersion: picture.version,
            seed: settings.seed,
            count: settings.steps,
            steps: [],
            firstStage: false,
            rows: 0,
            height: input.height * settings.scale,
            width: input.width * settings.scale,
            finished: null,
          });
          frames.put(inputFrameId(lane.runId), input);
        }
        const before = store.getState().runs;
        set((state) => beginRuns(state, records));
        const kept = store.getState().runs;
        for (const old of before) if (!kept.includes(old)) frames.drop(old.runId);
        try {
          await clients.run(lanes, requestOf(settings, image), onEvent);
        } catch (error) {
          for (const runId of laneIds) frames.drop(runId);
          set((state) => abandonRuns(state, laneIds));
          throw error;
        }
      }),

    cancel: () =>
      attempt(async () => {
        const { progress } = store.getState();
        if (progress === null) return;
        set((state) => ({ ...state, progress: state.progress && { ...state.progress, cancelling: true } }));
        const [lead] = progress.laneIds;
        if (lead !== undefined) await clients.cancel(lead);
      }),

    show: (view) => set((state) => ({ ...state, view: { ...state.view, ...view } })),

    showRun: (runId) =>
      set((state) => ({ ...state, shownRunId: runId, view: { ...state.view, step: null, playing: false, mix: null, against: null } })),

    decodeShownStep: () =>
      attempt(async () => {
        const { view, progress, runs } = store.getState();
        const run = shownRun(store.getState());
        // only the latest run's latents are kept
        if (view.step === null || progress !== null || run === undefined || run !== runs[0]) return;
        const index = view.step;
        for (const runId of run.laneIds) {
          const key = `${runId}/${index}`;
          if (store.getState().view.decoded.includes(key)) continue;
          const layers = await clients.decodeStep(runId, index);
          for (const layer of ['x0', 'low', 'high'] as const) frames.put(stepFrameId(runId, index, layer, true), layers[layer]);
          set((state) => ({ ...state, view: { ...state.view, decoded: [...state.view.decoded, key] } }));
        }
      }),

    difference: (a, b) =>
      attemptFor(async () => {
        const [before, after] = [frames.get(a), frames.get(b)];
        if (before === undefined || after === undefined) return null;
        const { band, signed } = store.getState().view.difference;
        return clients.difference(before, after, band, signed);
      }),

    mix: ({ low, high, gain }) =>
      attemptFor(async () => {
        const [base, rfsr] = [shownRun(store.getState()), shownPartner(store.getState())];
        if (base === undefined || rfsr === undefined) return null;
        const sources = { input: inputFrameId(base.runId), base: resultFrameId(base.runId), rfsr: resultFrameId(rfsr.runId) };
        const [lower, higher] = [frames.get(sources[low]), frames.get(sources[high])];
        return lower === undefined || higher === undefined ? null : clients.mix(lower, higher, gain);
      }),

    setReference: (picked) =>
      attempt(async () => {
        const image = picked === null ? null : await clients.decode(await picked.arrayBuffer(), picked.name);
        frames.drop(REFERENCE_FRAME_ID);
        if (image !== null) frames.put(REFERENCE_FRAME_ID, image);
        set((state) => setReference(state, picked === null ? null : { name: picked.name }));
        for (const { runId, steps } of store.getState().runs) {
          for (const index of steps.keys()) await measureStep(runId, index);
        }
      }),

    download: (which) =>
      attemptFor(async () => {
        const { picture, view } = store.getState();
        const [base, partner] = [shownRun(store.getState()), shownPartner(store.getState())];
        const run = which === 'rfsr' ? partner : base;
        if (run === undefined || run.finished === null) return null;
        const mix = which === 'mix' && partner?.finished != null ? view.mix : null;
        const image = mix === null ? frames.get(resultFrameId(run.runId)) : await actions.mix(mix);
        if (image == null) return null;
        const mixed = mix === null || partner?.finished == null ? null : { ...mix, other: partner.finished.recipe };
        const png = await clients.encodePng(image, recipeTexts({ recipe: run.finished.recipe, mix: mixed }));
        const stem = picture.name.replace(/\.[^.]*$/, '') || 'picture';
        const kind = which === 'result' && partner === undefined ? '' : `-${which === 'result' ? 'base' : which}`;
        return { blob: new Blob([png], { type: 'image/png' }), name: `${stem}-${run.width}x${run.height}${kind}.png` };
      }),

    dismiss: (id) => set((state) => ({ ...state, messages: state.messages.filter((message) => message.id !== id) })),
  };
  return actions;
}

function backendFrom(search: string): Backend | null {
  const asked = new URLSearchParams(search).get('backend');
  return BACKENDS.find((backend) => backend === asked) ?? null;
}

function requestOf(settings: SettingsState, image: Image8): RestoreRequest {
  const { tags, user, positive, negative, bundleId: _, compare: __, ...rest } = settings;
  return { ...rest, image, prompt: { tags, user, positive, negative }, preview: 'bands' };
}
