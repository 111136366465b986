import { modelDefaults } from '../../protocol/default-request.ts';
import { BACKENDS, type Backend } from '../../protocol/events.ts';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import { INITIAL_STATE, type SettingsState } from '../state.ts';
import type { ActionContext } from './context.ts';

export interface ModelActions {
  /** Inspects the device and loads the list of models. Called once, after the first paint. */
  start(search: string): Promise<void>;
  change(settings: Partial<SettingsState>): void;
  /** Also takes over the model's own defaults. */
  chooseBundle(id: string): Promise<void>;
}

/** The models, and what is asked of them. */
export interface Models {
  readonly actions: ModelActions;
  /** Resolves once the models are listed; until then none can be chosen. */
  listed(): Promise<void>;
  manifest(id: string): Promise<Manifest>;
}

export function createModels({ state, set, clients, attempt }: ActionContext): Models {
  let starting: Promise<void> = Promise.resolve();

  async function manifest(id: string): Promise<Manifest> {
    const known = state().manifests[id];
    if (known !== undefined) return known;
    const loaded = parseManifest(await clients.manifest(id));
    set((before) => ({ ...before, manifests: { ...before.manifests, [id]: loaded } }));
    return loaded;
  }

  const actions: ModelActions = {
    start(search) {
      starting = attempt(async () => {
        const device = await clients.device(backendFrom(search));
        set((before) => ({ ...before, device }));
        const bundles = await clients.bundles();
        set((before) => ({ ...before, bundles }));
        const wanted = bundles.find(({ id }) => id === state().settings.bundleId) ?? bundles[0];
        if (wanted === undefined) return;
        const { settings } = state();
        const own = Object.entries(settings).filter(([key, value]) => value !== INITIAL_STATE.settings[key as keyof SettingsState]);
        await actions.chooseBundle(wanted.id);
        // what was changed while the models were being listed stays changed
        actions.change(Object.fromEntries(own));
      });
      return starting;
    },

    change: (settings) => set((before) => ({ ...before, settings: { ...before.settings, ...settings } })),

    chooseBundle: (id) =>
      attempt(async () => {
        const defaults = modelDefaults(await manifest(id));
        actions.change({ ...defaults, bundleId: id });
      }),
  };
  return { actions, listed: () => starting, manifest };
}

function backendFrom(search: string): Backend | null {
  const asked = new URLSearchParams(search).get('backend');
  return BACKENDS.find((backend) => backend === asked) ?? null;
}
