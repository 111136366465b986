import { modelDefaults } from '../../protocol/default-request.ts';
import { BACKENDS, type Backend } from '../../protocol/events.ts';
import { FAMILY_OPTIONS } from '../../protocol/families.ts';
import { type Manifest, parseManifest } from '../../protocol/manifest.ts';
import type { BundleSummary } from '../../protocol/studio-api.ts';
import { waitingItems } from '../queue.ts';
import { addMessage, applyToWaiting, type Choice, changeSettings, concernsPanel, settleChoice } from '../reduce.ts';
import { pairOf, type SettingsState } from '../state.ts';
import type { ActionContext } from './context.ts';

export interface ModelActions {
  change(settings: Partial<SettingsState>): void;
  /** Also takes over the model's own defaults once they are read, but for what the person set before and is changed until then. */
  chooseBundle(id: string): Promise<void>;
  /** Inspects the device and lists the models once more, where that failed. */
  listAgain(): Promise<void>;
  /** The chosen model's own settings instead of the person's. */
  takeModelSettings(): void;
}

/** The models, and what is asked of them. */
export interface Models {
  readonly actions: ModelActions;
  /** Inspects the device and lists the models. The model's own settings are taken over, unless those there are to be kept. */
  load(search: string, keepSettings: boolean): Promise<void>;
  /** Lists the models once more, since there are others; `changed`: those whose manifests are read anew. */
  relist(changed: readonly string[]): Promise<void>;
  /** Resolves once the models are listed; until then none can be chosen. */
  readonly listed: Promise<void>;
  manifest(id: string): Promise<Manifest>;
  /** A model's manifest, once its pair's is here too where there is one: what a pair will take is told before it runs. */
  manifestWithPair(id: string): Promise<Manifest>;
}

/** What was changed since a model was chosen, or since the page was opened. */
interface Pending extends Choice {
  changes: Partial<SettingsState>;
}

export function createModels({ state, set, clients, attempt }: ActionContext): Models {
  let onListed = (): void => {};
  const listed = new Promise<void>((resolve) => {
    onListed = resolve;
  });
  /** What `load` was asked for. */
  let asked: readonly [search: string, keepSettings: boolean] = ['', false];
  let latest: Pending = { itemId: null, others: [], changes: {} };

  async function manifest(id: string): Promise<Manifest> {
    const known = state().manifests[id];
    if (known !== undefined) return known;
    const loaded = parseManifest(await clients.manifest(id));
    set((before) => ({ ...before, manifests: { ...before.manifests, [id]: loaded } }));
    return loaded;
  }

  async function manifestWithPair(id: string): Promise<Manifest> {
    const own = await manifest(id);
    for (const lane of pairOf(state(), id) ?? []) await manifest(lane);
    return own;
  }

  /** Reads the manifests of what waits in the queue, for the time that it will take. */
  async function readWaiting(): Promise<void> {
    const { queue, bundles } = state();
    const ids = new Set(waitingItems(queue).map(({ settings }) => settings.bundleId));
    for (const { id } of bundles) if (ids.has(id)) await manifestWithPair(id);
  }

  /** Chooses a model at once; its own settings are taken over when they are here, unless another was chosen meanwhile. */
  async function choose(id: string, choice: Pending): Promise<void> {
    const { settings, manifests } = state();
    const before = settings.bundleId;
    const left = manifests[before];
    set((now) => changeSettings(now, { bundleId: id }));
    const settle = (changes: Partial<SettingsState>): void => set((now) => settleChoice(now, choice, id, changes));
    try {
      const chosen = await manifestWithPair(id);
      const own = left === undefined ? {} : setByPerson(settings, left, chosen);
      settle({ ...modelDefaults(chosen), ...own, ...choice.changes });
    } catch (error) {
      settle({ bundleId: before });
      throw error;
    }
  }

  const actions: ModelActions = {
    change(settings) {
      if (concernsPanel(latest, state())) latest.changes = { ...latest.changes, ...settings };
      set((before) => changeSettings(before, settings));
    },

    chooseBundle: (id) =>
      attempt(() => {
        const { items, selectedId } = state().queue;
        latest = { itemId: selectedId, others: items.flatMap(({ id }) => (id === selectedId ? [] : [id])), changes: {} };
        return choose(id, latest);
      }),

    listAgain: () => attempt(() => load(...asked)),

    takeModelSettings() {
      const manifest = state().manifests[state().settings.bundleId];
      if (manifest !== undefined) actions.change(modelDefaults(manifest));
    },
  };

  /** Which of the settings are not those that the model they were made for brings, as far as another offers them. */
  function setByPerson(settings: SettingsState, left: Manifest, chosen: Manifest): Partial<SettingsState> {
    const { samplers, startPoints } = FAMILY_OPTIONS[chosen.family];
    const { sampler, startPoint } = settings;
    const brought = { ...modelDefaults(left) };
    const kept = Object.entries(brought).flatMap(([key, value]) => {
      const own = settings[key as keyof typeof brought];
      return own === value ? [] : [[key, own]];
    });
    const { sampler: _, startPoint: __, ...others } = Object.fromEntries(kept) as Partial<SettingsState>;
    const offered = {
      ...(sampler !== brought.sampler && samplers.some(({ value }) => value === sampler) ? { sampler } : {}),
      ...(startPoint !== brought.startPoint && startPoints.some(({ value }) => value === startPoint) ? { startPoint } : {}),
    };
    return { ...others, ...offered };
  }

  /** Throws StudioError where the models cannot be listed, which the state tells too. */
  async function list(search: string): Promise<readonly BundleSummary[]> {
    set((before) => ({ ...before, unlisted: false }));
    try {
      const device = await clients.device(backendFrom(search));
      set((before) => ({ ...before, device }));
      const { bundles, declined } = await clients.bundles();
      set((before) => ({ ...before, bundles }));
      for (const { id, reason } of declined) {
        const text = `The model “${id}” is left out: ${reason}`;
        set((before) => addMessage(before, { kind: 'notice', text, code: 'manifest-invalid', details: 'declined' }));
      }
      return bundles;
    } catch (error) {
      set((before) => ({ ...before, unlisted: true }));
      // a device that was offline has them once it is online
      if (globalThis.navigator?.onLine === false) window.addEventListener('online', () => void actions.listAgain(), { once: true });
      throw error;
    }
  }

  async function relist(changed: readonly string[]): Promise<void> {
    const { bundles } = await clients.bundles();
    set((before) => {
      const manifests = Object.fromEntries(Object.entries(before.manifests).filter(([id]) => !changed.includes(id)));
      return { ...before, bundles, manifests };
    });
    const { bundleId } = state().settings;
    const chosen = bundles.find(({ id }) => id === bundleId) ?? bundles[0];
    if (chosen === undefined) return;
    if (chosen.id === bundleId) await manifestWithPair(bundleId);
    else await choose(chosen.id, latest);
  }

  async function load(search: string, keepSettings: boolean): Promise<void> {
    asked = [search, keepSettings];
    try {
      const bundles = await list(search);
      const { settings } = state();
      const wanted = bundles.find(({ id }) => id === settings.bundleId);
      const chosen = wanted ?? bundles[0];
      if (chosen === undefined) return;
      if (keepSettings && wanted !== undefined) {
        await manifestWithPair(wanted.id);
        await attempt(readWaiting);
        return;
      }
      await attempt(() => choose(chosen.id, latest));
      // pictures that were opened meanwhile are run with it
      if (!keepSettings) set(applyToWaiting);
    } finally {
      onListed();
    }
  }

  return { actions, load, relist, listed, manifest, manifestWithPair };
}

function backendFrom(search: string): Backend | null {
  const asked = new URLSearchParams(search).get('backend');
  return BACKENDS.find((backend) => backend === asked) ?? null;
}
