import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { createStore } from 'zustand/vanilla';
import { StudioError } from '../../../../src/protocol/errors.ts';
import type { BundleList } from '../../../../src/protocol/studio-api.ts';
import { createContext } from '../../../../src/store/actions/context.ts';
import { createDesk } from '../../../../src/store/actions/desk.ts';
import { createModels } from '../../../../src/store/actions/models.ts';
import type { Pictures } from '../../../../src/store/actions/pictures.ts';
import type { Results } from '../../../../src/store/actions/results.ts';
import type { Runner } from '../../../../src/store/actions/run.ts';
import { createFrames } from '../../../../src/store/frames.ts';
import { planningOf, planOf } from '../../../../src/store/plan.ts';
import { addItems, EMPTY_QUEUE, newItem, type QueueItem } from '../../../../src/store/queue.ts';
import { INITIAL_STATE, type SettingsState, type StudioState } from '../../../../src/store/state.ts';
import type { Clients } from '../../../../src/worker-client/clients.ts';
import { gradient, NANO_ID, NANO_MODELS, NANO_RFSR_ID } from '../../../support/nano.ts';
import { DEVICE } from '../../../support/records.ts';

const OTHER_ID = 'pasd-nano';
const SETTINGS: SettingsState = { ...INITIAL_STATE.settings, bundleId: NANO_ID, compare: true };

/** The nano models over a queue, none of them read yet. */
function modelsOf(settings: SettingsState, items: readonly QueueItem[] = []) {
  const store = createStore<StudioState>(() => ({ ...INITIAL_STATE, settings, queue: addItems(EMPTY_QUEUE, items) }));
  const clients = {
    device: async () => DEVICE,
    bundles: async (): Promise<BundleList> => ({
      bundles: [NANO_ID, NANO_RFSR_ID, OTHER_ID].map((id) => ({
        ...{ id, title: id, family: 'seesr', variant: 'base', size: 'mini', sizeBytes: 1 },
      })),
      declined: [],
    }),
    manifest: async (id: string) => readFileSync(`${NANO_MODELS}/${id}/manifest.json`, 'utf8'),
  } as Partial<Clients> as Clients;
  const context = createContext(
    store,
    createFrames(1, () => []),
    clients,
  );
  return { context, store, models: createModels(context), known: () => Object.keys(store.getState().manifests) };
}

/** What of a small picture the settings would take. */
function planned({ settings, ...state }: StudioState) {
  return planOf({ height: 32, width: 48 }, settings, planningOf({ settings, ...state }), null);
}

describe('a model of a pair', () => {
  it('is read with its twin when the page is opened again, so that a pair’s plan is known', async () => {
    const { models, store, known } = modelsOf(SETTINGS);
    await models.load('', true);
    expect(known()).toEqual([NANO_ID, NANO_RFSR_ID]);
    const pair = planned(store.getState());
    const alone = planned({ ...store.getState(), settings: { ...SETTINGS, compare: false } });
    if (pair?.kind !== 'plan' || alone?.kind !== 'plan') throw new TypeError('expected plans');
    expect(pair.macs).toBeGreaterThan(alone.macs);
  });

  it('is read with its twin when it is chosen, and when a picture that has it is', async () => {
    const item = newItem('a', 'a.png', 1, SETTINGS);
    const { context, models, store, known } = modelsOf({ ...SETTINGS, bundleId: OTHER_ID, compare: false }, [item]);
    store.setState({ bundles: (await context.clients.bundles()).bundles });
    await models.actions.chooseBundle(NANO_RFSR_ID);
    expect(known().sort()).toEqual([NANO_ID, NANO_RFSR_ID]);
    store.setState({ manifests: {} });
    const pictures = { of: async () => gradient(8, 8), source: () => null } as Partial<Pictures> as Pictures;
    const results = { bring: async () => {} } as Partial<Results> as Results;
    await createDesk(context, models, pictures, results, {} as Runner).select('a');
    await vi.waitFor(() => expect(known()).toEqual([NANO_ID, NANO_RFSR_ID]));
  });
});

describe('another model', () => {
  it('leaves what the person set, where it is offered, and brings its own for the rest', async () => {
    const { context, models, store } = modelsOf({ ...SETTINGS, compare: false });
    store.setState({ bundles: (await context.clients.bundles()).bundles });
    await models.actions.chooseBundle(NANO_ID);
    const { sampling } = await models.manifest(NANO_ID);
    models.actions.change({ steps: sampling.steps + 3, positive: 'my words', sampler: 'ddim', startPoint: 'noise' });
    await models.actions.chooseBundle(OTHER_ID);
    const other = (await models.manifest(OTHER_ID)).sampling;
    const kept = { steps: sampling.steps + 3, positive: 'my words', sampler: 'ddim', startPoint: 'noise' };
    expect(store.getState().settings).toMatchObject({ bundleId: OTHER_ID, guidance: other.guidance, ...kept });
    models.actions.takeModelSettings();
    const { steps, sampler, positivePrompt: positive } = other;
    expect(store.getState().settings).toMatchObject({ steps, sampler, positive });
  });
});

describe('the list of models', () => {
  it('is asked for again after it failed, and then as it would have been', async () => {
    const { context, models, store } = modelsOf(SETTINGS);
    const list = vi.spyOn(context.clients, 'bundles').mockRejectedValueOnce(new StudioError('network-failed', 'No connection.'));
    await expect(models.load('', true)).rejects.toMatchObject({ code: 'network-failed' });
    await models.listed;
    expect(store.getState()).toMatchObject({ bundles: [], unlisted: true });
    await models.actions.listAgain();
    expect(list).toHaveBeenCalledTimes(2);
    expect(store.getState().unlisted).toBe(false);
    expect(store.getState().bundles).toHaveLength(3);
    expect(store.getState().settings).toEqual(SETTINGS);
  });

  it('says which models it cannot show, and shows the others', async () => {
    const { context, models, store } = modelsOf(SETTINGS);
    const { bundles } = await context.clients.bundles();
    vi.spyOn(context.clients, 'bundles').mockResolvedValue({ bundles, declined: [{ id: 'odd', reason: 'of another time.' }] });
    await models.load('', true);
    expect(store.getState().bundles).toEqual(bundles);
    expect(store.getState().messages.map(({ text }) => text)).toEqual(['The model “odd” is left out: of another time.']);
  });
});

it('models of pictures that wait are read when the page is opened again', async () => {
  const waiting = [NANO_ID, OTHER_ID, 'gone'].map((bundleId) => newItem(bundleId, 'a.png', 1, { ...SETTINGS, bundleId }));
  const { models, store, known } = modelsOf(SETTINGS, waiting);
  await models.load('', true);
  expect(known()).toEqual([NANO_ID, NANO_RFSR_ID, OTHER_ID]);
  expect(store.getState().messages.filter(({ kind }) => kind === 'error')).toEqual([]);
});
