import { afterAll, describe, expect, it } from 'vitest';
import { FolderFiles } from '../../../cli/folder-files.ts';
import { nodeRuntime } from '../../../cli/ort.ts';
import type { RunEvent } from '../../../src/protocol/events.ts';
import type { Graph, Manifest, Role } from '../../../src/protocol/manifest.ts';
import type { Image8 } from '../../../src/protocol/request.ts';
import { Engine } from '../../../workers/engine.ts';
import type { BundleFiles } from '../../../workers/model-store/bundle-files.ts';
import { nanoRequest, resultOf } from '../../support/nano.ts';

/** The nano models with smaller tiles than they were exported with, so that small pictures need several. */
class SmallTiles implements BundleFiles {
  readonly #files: BundleFiles;
  readonly #change: (role: Role, graph: Graph) => Graph['tiling'];

  constructor(files: BundleFiles, change: (role: Role, graph: Graph) => Graph['tiling']) {
    this.#files = files;
    this.#change = change;
  }

  async text(path: string): Promise<string> {
    const text = await this.#files.text(path);
    if (!path.endsWith('manifest.json')) return text;
    const manifest = JSON.parse(text) as Manifest;
    const graphs = Object.entries(manifest.graphs).map(([role, chain]) => {
      const changed = (chain ?? []).map((graph) => {
        const { tiling: _, ...rest } = graph;
        const tiling = this.#change(role as Role, graph);
        return tiling === undefined ? rest : { ...rest, tiling };
      });
      return [role, changed] as const;
    });
    return JSON.stringify({ ...manifest, graphs: Object.fromEntries(graphs) });
  }

  has: BundleFiles['has'] = (file) => this.#files.has(file);
  open: BundleFiles['open'] = (file, onBytes, signal) => this.#files.open(file, onBytes, signal);
}

const nano = new FolderFiles(new URL('../../fixtures/models', import.meta.url).pathname);
const shipped = new FolderFiles(new URL('../../../public/models', import.meta.url).pathname);
const engines: Engine[] = [];
afterAll(async () => {
  for (const engine of engines) await engine.dispose();
});

function engineOn(files: BundleFiles): Engine {
  const engine = new Engine(nodeRuntime, ['cpu'], files);
  engines.push(engine);
  return engine;
}

async function run(engine: Engine, bundleId: string, changes: Parameters<typeof nanoRequest>[0]): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  const request = nanoRequest({ preview: 'none', guidance: 1, ...changes });
  await engine.run([{ runId: 'r', bundleId }], request, async (event) => void events.push(event), new AbortController().signal);
  return events;
}

/** Kinds of picture, each 96 × 96. */
const KINDS: Readonly<Record<string, (x: number, y: number) => readonly [number, number, number]>> = {
  flat: () => [120, 130, 140],
  ramp: (x, y) => [x * 2, y * 2, (x + y) % 256],
  edges: (x, y) => ((Math.floor(x / 12) + Math.floor(y / 17)) % 2 === 0 ? [40, 60, 90] : [210, 190, 150]),
  waves: (x, y) => [128 + 90 * Math.sin(x / 5), 128 + 90 * Math.cos(y / 7), 128 + 90 * Math.sin((x + y) / 9)],
  texture: (x, y) => {
    const value = 128 + 70 * Math.sin(((x * 7919 + y * 104729) % 1013) * 12.9898);
    return [value, value * 0.9, 255 - value];
  },
};

function drawn(paint: (typeof KINDS)[string], height = 96, width = 96): Image8 {
  const rgba8 = new Uint8ClampedArray(4 * height * width).fill(255);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) rgba8.set(paint(x, y), 4 * (y * width + x));
  return { height, width, rgba8 };
}

/** Mean absolute change of colour to the next pixel across some lines of an axis: a seam is a line where it is larger. */
function change({ height, width, rgba8 }: Image8, axis: 'rows' | 'columns', lines: readonly number[]): number {
  const [length, step, along] = axis === 'columns' ? [height, 4, 4 * width] : [width, 4 * width, 4];
  let sum = 0;
  for (const line of lines) {
    for (let i = 0; i < length; i++) {
      const at = line * step + i * along;
      for (let c = 0; c < 3; c++) sum += Math.abs((rgba8[at + c] ?? 0) - (rgba8[at + c - step] ?? 0));
    }
  }
  return sum / (lines.length * length * 3);
}

describe('a graph that sees only so far', () => {
  it('gives in parts exactly what it gives whole', async () => {
    const whole = engineOn(new SmallTiles(nano, () => undefined));
    const parts = engineOn(
      new SmallTiles(nano, (_, { tiling }) => (tiling?.kind === 'halo' ? { kind: 'halo', cells: tiling.cells, part: 8 } : undefined)),
    );
    for (const id of ['seesr-nano', 'diffbir-nano', 'pasd-nano']) {
      const changes = { image: drawn(KINDS['waves'] ?? (() => [0, 0, 0])), scale: 2, steps: 2 };
      const [expected, found] = [await run(whole, id, changes), await run(parts, id, changes)];
      const roles = new Set(found.flatMap((event) => (event.type === 'tile' ? [event.role] : [])));
      expect(roles).toContain('vaeEncoder');
      const [a, b] = [resultOf(expected).rgba8, resultOf(found).rgba8];
      // sums in another order: a level here and there
      for (const [i, value] of a.entries()) expect(Math.abs(value - (b[i] ?? -9))).toBeLessThanOrEqual(1);
    }
  }, 60_000);
});

describe('tiles of a graph that sees everything', () => {
  const SMALL = { kind: 'blend', tile: 24, overlap: 8 } as const;
  const tiled = engineOn(new SmallTiles(shipped, (role) => (role === 'denoiser' || role === 'restorer' ? SMALL : undefined)));
  /** What only sees so far is cut too, into smaller parts. */
  const cut = engineOn(
    new SmallTiles(shipped, (_, { tiling }) => (tiling?.kind === 'halo' ? { ...tiling, part: 8 } : tiling && { ...SMALL, tile: 48 })),
  );
  const untiled = engineOn(new SmallTiles(shipped, () => undefined));
  /** Part by which a change across a border may differ: tiles of 24 cells see far less of a picture than those of 64 that are shipped. */
  const MOST_SEAM = 0.06;
  /** 48 cells: tiles begin at 0, 16 and 24, and end at 24, 40 and 48. */
  const BORDERS = [16, 24, 40].map((cell) => 8 * cell);
  /** As far from any border as lines of a cell's edge can be: the autoencoder's own grain has that period. */
  const INTERIOR = [4, 8, 11, 20, 29, 32, 35, 44].map((cell) => 8 * cell);

  /** Each family as it is published, with the pictures it is shown: one sees every kind. DiffBIR's first stage is tiled as well. */
  const FAMILIES = [
    ['seesr-mini', {}, Object.keys(KINDS)],
    ['diffbir-mini', { sampler: 'spaced-ddpm', startPoint: 'noise' }, ['flat', 'waves']],
    ['pasd-mini', { sampler: 'unipc', startPoint: 'lr-twice' }, ['ramp', 'edges']],
  ] as const;

  it.each(FAMILIES.flatMap(([id, own, kinds]) => kinds.map((kind) => [id, kind, own] as const)))(
    'of %s leave no seam in a picture of %s',
    async (id, kind, own) => {
      const changes = { image: drawn(KINDS[kind] ?? (() => [0, 0, 0])), scale: 4, steps: 4, colorFix: 'none' as const, ...own };
      const [withTiles, without] = [resultOf(await run(tiled, id, changes)), resultOf(await run(untiled, id, changes))];
      for (const axis of ['rows', 'columns'] as const) {
        const seam = (image: Image8): number => change(image, axis, BORDERS) / change(image, axis, INTERIOR);
        // against the same lines of the run that was not tiled: a picture's own edges may lie on them
        expect(Math.abs(seam(withTiles) / seam(without) - 1)).toBeLessThan(MOST_SEAM);
      }
    },
    60_000,
  );

  it('are told in order, with their count, in every step', async () => {
    const events = await run(tiled, 'seesr-mini', { image: drawn(KINDS['waves'] ?? (() => [0, 0, 0])), scale: 4, steps: 2 });
    const order = events.flatMap((event) => {
      if (event.type === 'tile' && event.role === 'denoiser') return [`${event.index + 1} of ${event.count}`];
      return event.type === 'step' ? ['step'] : [];
    });
    const nine = Array.from({ length: 9 }, (_, i) => `${i + 1} of 9`);
    expect(order).toEqual([...nine, 'step', ...nine, 'step']);
  }, 60_000);

  it.each(FAMILIES)(
    'of %s are computed for a region alone where they meet it, and what they see, which becomes what it is in the whole',
    async (id, own) => {
      const image = drawn(KINDS['waves'] ?? (() => [0, 0, 0]), 352, 96);
      const region = { top: 8, left: 8, height: 52, width: 72 };
      const request = { image, scale: 2, steps: 6, ...own };
      const all = await run(cut, id, request);
      const whole = resultOf(all);
      const events = await run(cut, id, { ...request, region, preview: 'bands' });
      const tiles = (told: readonly RunEvent[]): number =>
        told.filter((event) => event.type === 'tile' && event.role === 'denoiser').length;
      // 88 cells: tiles 0…48 and 40…88, of which the region's own, with its margin, ends at 40
      expect([tiles(all), tiles(events)]).toEqual([6 * 2, 6]);
      const part = resultOf(events);
      expect([part.height, part.width]).toEqual([2 * 52, 2 * 72]);
      let worst = 0;
      for (let y = 0; y < part.height; y++) {
        for (let x = 0; x < part.width; x++) {
          const border = Math.min(x, y, part.width - 1 - x, part.height - 1 - y);
          for (let c = 0; c < 3; c++) {
            const there = whole.rgba8[4 * ((16 + y) * whole.width + 16 + x) + c] ?? -9;
            const difference = Math.abs(there - (part.rgba8[4 * (y * part.width + x) + c] ?? 99));
            if (border >= 16) worst = Math.max(worst, difference);
          }
        }
      }
      expect(worst).toBeLessThanOrEqual(2);
      const { previews } = events.findLast((event) => event.type === 'step') ?? {};
      expect([previews?.x0.height, previews?.x0.width]).toEqual([2 * 52, 2 * 72]);
    },
    60_000,
  );
});
