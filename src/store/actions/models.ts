import { modelDefaults } from '../../protocol/default-request.ts';
import { BACKENDS, type Backend } from '../../protocol/events.ts';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { applyToWaiting, changeSettings } from '../reduce.ts';
import { pairOf, type SettingsState } from '../state.ts';
import type { ActionContext } from './context.ts';

export interface ModelActions {
  change(settings: Partial<SettingsState>): void;
  /** Also takes over the model's own defaults once they are read, but for what is changed until then. */
  chooseBundle(id: string): Promise<void>;
}

/** The models, and what is asked of them. */
export interface Models {
  readonly actions: ModelActions;
  /** Inspects the device and lists the models. The model's own settings are taken over, unless those there are to be kept. */
  load(search: string, keepSettings: boolean): Promise<void>;
  /** Resolves once the models are listed; until then none can be chosen. */
  readonly listed: Promise<void>;
  manifest(id: string): Promise<Manifest>;
}

export function createModels({ state, set, clients, attempt }: ActionContext): Models {
  const { promise: listed, resolve: onListed } = Promise.withResolvers<void>();
  /** What was changed since the latest model was chosen, or since the page was opened. */
  let changes: Partial<SettingsState> = {};

  async function manifest(id: string): Promise<Manifest> {
    const known = state().manifests[id];
    if (known !== undefined) return known;
    const loaded = parseManifest(await clients.manifest(id));
    set((before) => ({ ...before, manifests: { ...before.manifests, [id]: loaded } }));
    return loaded;
  }

  /** Chooses a model at once; its own settings are taken over when they are here, unless another was chosen meanwhile. */
  async function choose(id: string): Promise<void> {
    const before = state().settings.bundleId;
    set((now) => changeSettings(now, { bundleId: id }));
    const stillChosen = (): boolean => state().settings.bundleId === id;
    try {
      const defaults = modelDefaults(await manifest(id));
      // what a pair will take is told before it runs
      for (const twin of pairOf(state(), id) ?? []) await manifest(twin);
      if (stillChosen()) set((now) => changeSettings(now, { ...defaults, ...changes }));
    } catch (error) {
      if (stillChosen()) set((now) => changeSettings(now, { bundleId: before }));
      throw error;
    }
  }

  const actions: ModelActions = {
    change(settings) {
      changes = { ...changes, ...settings };
      set((before) => changeSettings(before, settings));
    },

    chooseBundle: (id) =>
      attempt(() => {
        changes = {};
        return choose(id);
      }),
  };

  async function load(search: string, keepSettings: boolean): Promise<void> {
    try {
      const device = await clients.device(backendFrom(search));
      set((before) => ({ ...before, device }));
      const bundles = await clients.bundles();
      set((before) => ({ ...before, bundles }));
      const { settings } = state();
      const wanted = bundles.find(({ id }) => id === settings.bundleId);
      const chosen = wanted ?? bundles[0];
      if (chosen === undefined) return;
      if (keepSettings && wanted !== undefined) {
        await manifest(wanted.id);
        return;
      }
      await attempt(() => choose(chosen.id));
      // pictures that were opened meanwhile are run with it
      if (!keepSettings) set(applyToWaiting);
    } finally {
      onListed();
    }
  }

  return { actions, load, listed, manifest };
}

function backendFrom(search: string): Backend | null {
  const asked = new URLSearchParams(search).get('backend');
  return BACKENDS.find((backend) => backend === asked) ?? null;
}
