import type { StoreApi } from 'zustand/vanilla';
import { isAbort, StudioError } from '../protocol/errors.ts';
import { BACKENDS, type Backend, type RunEvent } from '../protocol/events.ts';
import { parseManifest } from '../protocol/manifest.ts';
import type { Image8, RestoreRequest } from '../protocol/request.ts';
import type { Clients } from '../worker-client/clients.ts';
import { type Frames, inputFrameId, PICTURE_FRAME_ID, resultFrameId, stepFrameId } from './frames.ts';
import { abandonRun, addMessage, beginRun, reduceEvent } from './reduce.ts';
import { INITIAL_STATE, type SettingsState, type StudioState, shownRun, type ViewState } from './state.ts';

/** What a person can do. Only these call the workers; failures become messages, never exceptions. */
export interface Actions {
  /** Inspects the device and loads the list of models. Called once, after the first paint. */
  start(search: string): Promise<void>;
  open(file: Blob, name: string): Promise<void>;
  openSample(path: string, name: string): Promise<void>;
  change(settings: Partial<SettingsState>): void;
  /** Also takes over the model's own defaults. */
  chooseBundle(id: string): Promise<void>;
  upscale(): Promise<void>;
  cancel(): Promise<void>;
  show(view: Partial<ViewState>): void;
  showRun(runId: string): void;
  /** Decodes the shown step in full, unless it is here or a run is going. */
  decodeShownStep(): Promise<void>;
  download(): Promise<{ readonly blob: Blob; readonly name: string } | null>;
  dismiss(id: number): void;
}

/** Actions over a store, its pictures and the workers. */
export function createActions(store: StoreApi<StudioState>, frames: Frames, clients: Clients): Actions {
  const set = (change: (state: StudioState) => StudioState): void => store.setState(change);

  function fail(error: unknown): void {
    if (isAbort(error)) return;
    const known = error instanceof StudioError ? error : null;
    const text = known?.message ?? `Something went wrong (${error instanceof Error ? error.message : String(error)}).`;
    const details = JSON.stringify(known?.toData() ?? { message: text }, null, 1);
    set((state) => addMessage(state, { kind: 'error', text, code: known?.code ?? 'internal', details }));
  }

  async function attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      fail(error);
    }
  }

  async function take(bytes: ArrayBuffer, name: string): Promise<void> {
    set((state) => ({ ...state, picture: { ...state.picture, status: 'loading' }, messages: [] }));
    try {
      const image = await clients.decode(bytes, name);
      frames.put(PICTURE_FRAME_ID, image);
      const { height, width } = image;
      set((state) => ({
        ...state,
        picture: { status: 'ready', name, height, width, version: state.picture.version + 1 },
        settings: { ...state.settings, tags: null },
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
    if (event.type === 'done') frames.put(resultFrameId(event.runId), event.image);
    set((state) => reduceEvent(state, event));
  }

  const actions: Actions = {
    start: (search) =>
      attempt(async () => {
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
      }),

    open: (file, name) => attempt(async () => take(await file.arrayBuffer(), name)),

    openSample: (path, name) =>
      attempt(async () => {
        const response = await fetch(path);
        if (!response.ok) throw new StudioError('network-failed', 'The sample picture could not be loaded.');
        await take(await response.arrayBuffer(), name);
      }),

    change: (settings) => set((state) => ({ ...state, settings: { ...state.settings, ...settings } })),

    chooseBundle: (id) =>
      attempt(async () => {
        const manifest = parseManifest(await clients.manifest(id));
        const { sampling, image } = manifest;
        const defaults = {
          steps: sampling.steps,
          guidance: sampling.guidance,
          sampler: sampling.sampler,
          startPoint: sampling.startPoint,
          positive: sampling.positivePrompt,
          negative: sampling.negativePrompt,
          colorFix: image.colorFix,
        };
        set((state) => ({
          ...state,
          manifests: { ...state.manifests, [id]: manifest },
          settings: { ...state.settings, ...defaults, bundleId: id },
        }));
      }),

    upscale: () =>
      attempt(async () => {
        const image = frames.get(PICTURE_FRAME_ID);
        const { settings, manifests, progress } = store.getState();
        const manifest = manifests[settings.bundleId];
        if (image === undefined || progress !== null || manifest === undefined) return;
        const runId = crypto.randomUUID();
        frames.put(inputFrameId(runId), image);
        const run = {
          runId,
          bundleTitle: manifest.title,
          seed: settings.seed,
          count: settings.steps,
          steps: [],
          height: image.height * settings.scale,
          width: image.width * settings.scale,
          finished: null,
        };
        const before = store.getState().runs;
        set((state) => beginRun(state, run));
        const kept = store.getState().runs;
        for (const old of before) if (!kept.includes(old)) frames.drop(old.runId);
        try {
          await clients.run(runId, requestOf(settings, image), onEvent);
        } catch (error) {
          frames.drop(runId);
          set((state) => abandonRun(state, runId));
          throw error;
        }
      }),

    cancel: () =>
      attempt(async () => {
        const { progress } = store.getState();
        if (progress === null) return;
        set((state) => ({ ...state, progress: state.progress && { ...state.progress, cancelling: true } }));
        await clients.cancel(progress.runId);
      }),

    show: (view) => set((state) => ({ ...state, view: { ...state.view, ...view } })),

    showRun: (runId) => set((state) => ({ ...state, shownRunId: runId, view: { ...state.view, step: null, playing: false } })),

    decodeShownStep: () =>
      attempt(async () => {
        const { view, progress, runs } = store.getState();
        const run = shownRun(store.getState());
        // only the latest run's latents are kept
        if (view.step === null || progress !== null || run === undefined || run !== runs[0]) return;
        const index = view.step;
        const key = `${run.runId}/${index}`;
        if (view.decoded.includes(key)) return;
        const layers = await clients.decodeStep(run.runId, index);
        for (const layer of ['x0', 'low', 'high'] as const) frames.put(stepFrameId(run.runId, index, layer, true), layers[layer]);
        set((state) => ({ ...state, view: { ...state.view, decoded: [...state.view.decoded, key] } }));
      }),

    async download() {
      try {
        const { picture } = store.getState();
        const run = shownRun(store.getState());
        const image = run === undefined ? undefined : frames.get(resultFrameId(run.runId));
        if (run === undefined || image === undefined) return null;
        // a copy travels, so that the page keeps showing the picture
        const png = await clients.encodePng({ ...image, rgba8: image.rgba8.slice() });
        const stem = picture.name.replace(/\.[^.]*$/, '') || 'picture';
        return { blob: new Blob([png], { type: 'image/png' }), name: `${stem}-${run.width}x${run.height}.png` };
      } catch (error) {
        fail(error);
        return null;
      }
    },

    dismiss: (id) => set((state) => ({ ...state, messages: state.messages.filter((message) => message.id !== id) })),
  };
  return actions;
}

function backendFrom(search: string): Backend | null {
  const asked = new URLSearchParams(search).get('backend');
  return BACKENDS.find((backend) => backend === asked) ?? null;
}

function requestOf(settings: SettingsState, image: Image8): RestoreRequest {
  const { tags, user, positive, negative, ...rest } = settings;
  return { ...rest, image, prompt: { tags, user, positive, negative }, preview: 'bands' };
}
