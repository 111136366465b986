import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GivenFile, ModelProgress, ShelvedModel } from '../../../../src/protocol/models-api.ts';
import { readBundle } from '../../../../workers/model-store/bundle-files.ts';
import { Library } from '../../../../workers/model-store/library.ts';
import { ModelShelf } from '../../../../workers/model-store/shelf.ts';
import { type Change, givenFolders, otherManifest, withFile } from '../../../support/given.ts';
import { NANO_ID, NANO_MODELS, NANO_RFSR_ID } from '../../../support/nano.ts';
import { MemoryFolder } from '../../../support/opfs.ts';

const MINE = 'my-seesr';
const TWIN = 'my-seesr-rfsr';
const SITE = 'https://studio.test/models/';
const OTHER = 'https://other.test/models/';

let root: MemoryFolder;
let quotaBytes: number;
let asked: string[];
/** What the other site has instead of the nano models, by path. */
let other: Map<string, string | Uint8Array<ArrayBuffer>>;
let changes: number;

function shelf(): ModelShelf {
  const refuse = (cause: unknown): never => {
    throw cause;
  };
  return new ModelShelf(new Library(new URL(SITE), refuse), () => changes++);
}

const ignore = async (): Promise<void> => {};

/** The nano SeeSR and its twin under other ids, as a folder. */
function given(change: Change = () => {}): GivenFile[] {
  const files = givenFolders(NANO_ID, NANO_RFSR_ID, 'shared');
  const pair: Change = (manifest) => Object.assign(manifest, { pairedWith: TWIN });
  const named = withFile(files, `models/${NANO_ID}/manifest.json`, otherManifest(NANO_ID, MINE, change));
  return withFile(named, `models/${NANO_RFSR_ID}/manifest.json`, otherManifest(NANO_RFSR_ID, TWIN, pair));
}

async function modelOf(on: ModelShelf, id: string): Promise<ShelvedModel> {
  const found = (await on.shelf()).models.find((model) => model.id === id);
  if (found === undefined) throw new Error(`expected a model ${id}`);
  return found;
}

async function damage(hash: string): Promise<void> {
  const folder = await root.getDirectoryHandle('model-files');
  const handle = await folder.getFileHandle(hash);
  const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer());
  const writer = await handle.createWritable();
  await writer.write(new Blob([bytes.map((value) => value ^ 1)]));
  await writer.close();
}

function denoiserOf(bundle: string): { readonly path: string; readonly sha256: string; readonly sizeBytes: number } {
  return JSON.parse(readFileSync(join(NANO_MODELS, bundle, 'manifest.json'), 'utf8')).graphs.denoiser[0].files[0];
}

beforeEach(() => {
  root = new MemoryFolder();
  quotaBytes = 1e9;
  asked = [];
  other = new Map();
  changes = 0;
  vi.stubGlobal('navigator', {
    storage: { getDirectory: async () => root, estimate: async () => ({ usage: 1000, quota: quotaBytes }) },
  });
  vi.stubGlobal('fetch', async (url: URL) => {
    asked.push(url.href);
    const path = url.href.replace(SITE, '').replace(OTHER, '');
    const known = url.href.startsWith(OTHER) ? other.get(path) : undefined;
    try {
      return new Response(known ?? new Uint8Array(readFileSync(join(NANO_MODELS, path))));
    } catch {
      return new Response('', { status: 404 });
    }
  });
});
afterEach(() => vi.unstubAllGlobals());

describe('a folder', () => {
  it('brings every model in it; a twin costs only what it does not share', async () => {
    const on = shelf();
    const progress: ModelProgress[] = [];
    const added = await on.addFiles('models', given(), async (told) => void progress.push(told));
    expect(added).toEqual({ added: expect.arrayContaining([MINE, TWIN]), declined: [] });
    const [base, twin] = [await modelOf(on, MINE), await modelOf(on, TWIN)];
    for (const model of [base, twin]) {
      expect(model).toMatchObject({ keptBytes: model.sizeBytes, keptFiles: model.files, origin: { kind: 'folder', place: 'models' } });
      expect(model.license).not.toBe('');
    }
    const both = [NANO_ID, NANO_RFSR_ID].flatMap(
      (id) => readBundle('', readFileSync(join(NANO_MODELS, id, 'manifest.json'), 'utf8')).files,
    );
    const once = new Map(both.map(({ sha256, sizeBytes }) => [sha256, sizeBytes]));
    const onDisk = await new Library(new URL(SITE), () => expect.unreachable()).files.contents();
    expect(onDisk).toEqual(once);
    expect(progress.map(({ bundleId }) => bundleId)).toEqual(expect.arrayContaining([MINE, TWIN]));
    expect(changes).toBeGreaterThan(0);
    expect(asked.filter((url) => url.startsWith(SITE) && url.endsWith('.onnx'))).toEqual([]);
  });

  it('is listed beside the site’s models, and read without the network', async () => {
    await shelf().addFiles('models', given(), ignore);
    const library = new Library(new URL(SITE), () => expect.unreachable());
    const { bundles } = await library.index();
    expect(bundles.map(({ id }) => id)).toEqual(expect.arrayContaining([NANO_ID, MINE, TWIN]));
    const address = bundles.find(({ id }) => id === MINE)?.manifest ?? '';
    expect(JSON.parse(await library.text(address))).toMatchObject({ id: MINE });
  });

  it('may be given as single files, without their folders', async () => {
    const flat = given()
      .filter(({ path }) => !path.startsWith(`models/${NANO_RFSR_ID}/`))
      .map(({ file }) => ({ path: file.name, file }));
    const on = shelf();
    expect(await on.addFiles('6 files', flat, ignore)).toEqual({ added: [MINE], declined: [] });
    expect(await modelOf(on, MINE)).toMatchObject({ keptBytes: (await modelOf(on, MINE)).sizeBytes });
  });

  it.each<[string, (files: GivenFile[]) => GivenFile[], string]>([
    ['a field', () => given((manifest) => Object.assign(manifest, { family: 'upscayl' })), 'expected seesr or diffbir or pasd at “family”'],
    ['its JSON', (files) => withFile(files, `models/${NANO_ID}/manifest.json`, '{'), 'is not JSON'],
    ['an id of the site', () => given((manifest) => Object.assign(manifest, { id: NANO_ID })), 'Choose another “id”'],
    [
      'a file that is not there',
      (files) => files.filter(({ path }) => path !== `models/${NANO_ID}/${denoiserOf(NANO_ID).path}`),
      `“models/${NANO_ID}/${denoiserOf(NANO_ID).path}” is missing in “models”`,
    ],
    [
      'a file of another size',
      (files) => withFile(files, `models/${NANO_ID}/${denoiserOf(NANO_ID).path}`, new Uint8Array(5)),
      'has 5 bytes where its manifest promises',
    ],
    [
      'a file of another content',
      (files) => withFile(files, `models/${NANO_ID}/${denoiserOf(NANO_ID).path}`, new Uint8Array(denoiserOf(NANO_ID).sizeBytes)),
      'has another content than its manifest promises',
    ],
  ])('with a model that is wrong in %s says what would be right, and brings the others', async (_, change, words) => {
    const on = shelf();
    const { added, declined } = await on.addFiles('models', change(given()), ignore);
    expect(added).toEqual([TWIN]);
    expect(declined).toEqual([{ id: NANO_ID, reason: expect.stringContaining(words) }]);
    expect((await on.shelf()).models.map(({ id }) => id)).not.toContain(MINE);
  });

  it('without a manifest says what a model is', async () => {
    const files = [{ path: 'a/x.onnx', file: new File(['x'], 'x.onnx') }];
    await expect(shelf().addFiles('a', files, ignore)).rejects.toMatchObject({
      code: 'weights-missing',
      message: expect.stringContaining('no manifest.json in “a”'),
    });
  });

  it('that would not fit is refused before anything is copied', async () => {
    quotaBytes = 2000;
    await expect(shelf().addFiles('models', given(), ignore)).rejects.toMatchObject({
      code: 'storage-full',
      message: expect.stringContaining('the browser has room for 1.0 kB'),
    });
    expect((await root.getDirectoryHandle('model-files', { create: true })).names).toEqual([]);
  });
});

describe('an address', () => {
  beforeEach(() => {
    other.set('index.json', JSON.stringify({ schema: 1, bundles: [indexEntry(MINE, `${NANO_ID}/manifest.json`)] }));
    other.set(`${NANO_ID}/manifest.json`, otherManifest(NANO_ID, MINE));
  });

  function indexEntry(id: string, manifest: string) {
    return { id, title: id, family: 'seesr', variant: 'base', size: 'mini', manifest, sizeBytes: 1 };
  }

  it('of a model puts it on the shelf; its files come when they are asked for, those that are here already not again', async () => {
    const on = shelf();
    expect(await on.addAddress(`${OTHER}${NANO_ID}/`)).toEqual({ added: [MINE], declined: [] });
    expect(await modelOf(on, MINE)).toMatchObject({ keptBytes: 0, origin: { kind: 'url', place: `${OTHER}${NANO_ID}/` } });
    await on.download(MINE, ignore);
    const model = await modelOf(on, MINE);
    expect(model.keptBytes).toBe(model.sizeBytes);
    const came = asked.length;
    await on.download(MINE, ignore);
    expect(asked.length).toBe(came);
  });

  it('of several brings those that can be read, and says what is wrong with the others', async () => {
    const bundles = [indexEntry(MINE, `${NANO_ID}/manifest.json`), indexEntry('gone', 'gone/manifest.json'), { id: 'odd' }];
    other.set('index.json', JSON.stringify({ schema: 1, bundles }));
    const { added, declined } = await shelf().addAddress(OTHER);
    expect(added).toEqual([MINE]);
    expect(declined.map(({ id }) => id)).toEqual(['odd', 'gone']);
    expect(declined[1]?.reason).toContain('is missing at other.test');
  });

  it('without a model says what was looked for', async () => {
    await expect(shelf().addAddress(`${OTHER}none/`)).rejects.toMatchObject({
      code: 'weights-missing',
      message: expect.stringContaining(`no model at ${OTHER}none/: expected manifest.json, or index.json`),
    });
  });

  it('whose one file is damaged on disk is mended by that file alone', async () => {
    const on = shelf();
    await on.addAddress(`${OTHER}${NANO_ID}/`);
    await on.download(MINE, ignore);
    const { sha256, path } = denoiserOf(NANO_ID);
    await damage(sha256);
    const again = shelf();
    expect(await again.verify(MINE, ignore)).toEqual([path]);
    expect((await modelOf(again, MINE)).keptFiles).toBe((await modelOf(again, MINE)).files - 1);
    asked = [];
    await again.download(MINE, ignore);
    expect(asked.filter((url) => url.endsWith('.onnx'))).toEqual([`${OTHER}${NANO_ID}/${path}`]);
    expect(await again.verify(MINE, ignore)).toEqual([]);
  });

  it('whose download is paused keeps what came', async () => {
    const on = shelf();
    await on.addAddress(`${OTHER}${NANO_ID}/`);
    const pause = async ({ doneBytes }: ModelProgress): Promise<void> => {
      if (doneBytes > 0) await on.pause(MINE);
    };
    await expect(on.download(MINE, pause)).rejects.toMatchObject({ name: 'AbortError' });
    expect((await modelOf(on, MINE)).keptBytes).toBeGreaterThan(0);
  });
});

describe('deleting', () => {
  it('frees what no other model needs, and takes what was added off the shelf', async () => {
    const on = shelf();
    await on.addFiles('models', given(), ignore);
    const { ownBytes } = await modelOf(on, TWIN);
    expect(ownBytes).toBe(0);
    await on.remove(TWIN);
    expect((await modelOf(on, MINE)).keptBytes).toBe((await modelOf(on, MINE)).sizeBytes);
    await on.remove(MINE);
    expect((await on.shelf()).models.map(({ id }) => id)).not.toContain(MINE);
    // the site's own models have the same files
    expect((await modelOf(on, NANO_ID)).keptBytes).toBeGreaterThan(0);
  });

  it('of what no model needs is done at once, and never while a list cannot be read', async () => {
    const on = shelf();
    const folder = await root.getDirectoryHandle('model-files', { create: true });
    const writer = await (await folder.getFileHandle('f'.repeat(64), { create: true })).createWritable();
    await writer.write(new Blob(['12345']));
    await writer.close();
    expect((await on.shelf()).needlessBytes).toBe(5);
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')));
    const offline = shelf();
    expect((await offline.shelf()).needlessBytes).toBe(0);
    expect((await offline.shelf()).declined).toEqual([{ id: 'this site', reason: expect.stringContaining('could not be loaded') }]);
    expect(await offline.tidy()).toBe(0);
    expect(await on.tidy()).toBe(5);
    expect(folder.names).toEqual([]);
  });
});
