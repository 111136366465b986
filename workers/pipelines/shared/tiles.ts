import { type Area, areasMeet, areaWithin, type Extent, scaleArea, wholeArea } from '../../../src/core/area.ts';
import type { PlaneSource } from '../../../src/core/sources.ts';
import { cropPlanes, pastePlanes, stackBatch, type Tensor } from '../../../src/core/tensor.ts';
import { overlappingTiles, partsWithHalo, TileBlend } from '../../../src/core/tiling.ts';
import { partFor, type RegionParts } from '../../../src/plan/region.ts';
import { StudioError } from '../../../src/protocol/errors.ts';
import type { Graph, GraphPort, Role } from '../../../src/protocol/manifest.ts';
import { TILE_CELLS, type TileCells } from '../../../src/protocol/request.ts';
import type { Feeds, Fetches, IdTensor } from '../../sessions/runtime.ts';
import type { PipelineContext } from '../context.ts';
import { output1 } from './outputs.ts';

export type TiledContext = Pick<PipelineContext, 'manifest' | 'run' | 'moveOn' | 'emit' | 'tiles'>;

/** Feeds of a role; a picture need not be there whole. */
export type TiledFeeds = Readonly<Record<string, Tensor | IdTensor | PlaneSource>>;

/** Rows of the outputs that are finished: `top` and `height` in latent cells. */
export interface Band {
  readonly top: number;
  readonly height: number;
  readonly outputs: Fetches;
}

/**
 * A role over a whole picture or latent, in pieces where it is larger than the graph's tiling rule allows. A `halo` graph sees only so
 * many cells around: its parts, each computed with them, are exactly the whole. A `blend` graph sees everything at once: its tiles overlap and
 * are blended. Feeds and outputs whose manifest dims name `h` and `w` are cut and put together, the rest is given to every piece.
 * Tensors of one sample are repeated for each where other feeds have several. `region`: pieces that it does not need of this role are left out, and what they would have given is undefined.
 */
export async function runTiled(context: TiledContext, role: Role, feeds: TiledFeeds, region: RegionParts | null = null): Promise<Fetches> {
  const whole: Record<string, Tensor> = {};
  const { height } = cellsOf(context, role, feeds) ?? { height: 1 };
  await runInBands(context, role, feeds, region, async (band) => {
    for (const [name, part] of Object.entries(band.outputs)) {
      if (band.height === height) {
        whole[name] = part;
        continue;
      }
      const [batch = 1, channels = 1, rows = 1, width = 1] = part.dims;
      const scale = rows / band.height;
      whole[name] ??= zeros([batch, channels, height * scale, width]);
      pastePlanes(whole[name], { top: band.top * scale, left: 0, height: rows, width }, part, wholeArea({ height: rows, width }));
    }
  });
  return whole;
}

/**
 * `runTiled`, its outputs given from top to bottom as they are finished. When memory does not suffice, it begins again from the top, in smaller
 * pieces or at last on the next backend: `take` may be given rows it had. Throws StudioError `out-of-memory` when nothing is left to try.
 */
export async function runInBands(
  context: TiledContext,
  role: Role,
  feeds: TiledFeeds,
  region: RegionParts | null,
  take: (band: Band) => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      return await runOnce(context, role, feeds, partFor(role, region), take);
    } catch (error) {
      if (!(error instanceof StudioError && error.code === 'out-of-memory')) throw error;
      const smaller = smallerSide(context, role, feeds);
      if (smaller === null) {
        if (await context.moveOn(role, error.message)) continue;
        throw error;
      }
      lowerLimits(context, role, smaller);
      const pixels = smaller * context.manifest.latent.factor;
      const message = `Memory did not suffice for the model part “${role}”; it goes on in tiles of ${pixels} pixels.`;
      await context.emit({ type: 'notice', reason: 'tiles-smaller', message, code: 'out-of-memory' });
    }
  }
}

async function runOnce(
  context: TiledContext,
  role: Role,
  feeds: TiledFeeds,
  needed: Area | null,
  take: (band: Band) => Promise<void>,
): Promise<void> {
  const chain = context.manifest.graphs[role] ?? [];
  const cells = cellsOf(context, role, feeds);
  const rule = ruleOf(chain);
  const side = pieceSide(context, role);
  const inputs = spatialPorts(chain.flatMap((graph) => graph.inputs));
  if (rule === undefined || cells === null || (cells.height <= side && cells.width <= side)) {
    const outputs = await context.run(role, await cutFeeds(feeds, inputs, cells === null ? null : wholeArea(cells)));
    return take({ top: 0, height: cells?.height ?? 1, outputs });
  }
  const outputs = spatialPorts(chain.at(-1)?.outputs ?? []);
  const wanted = needed ?? wholeArea(cells);
  const compute = async (outer: Area, index: number, count: number): Promise<Fetches> => {
    await context.emit({ type: 'tile', role, index, count });
    return context.run(role, await cutFeeds(feeds, inputs, outer));
  };

  if (rule.kind === 'blend') {
    const tiles = overlappingTiles(cells.height, cells.width, side, Math.min(rule.overlap, side / 2)).filter((tile) =>
      areasMeet(tile, wanted),
    );
    const blends = new Map<string, TileBlend>();
    let done = tiles[0]?.top ?? 0;
    const takeRows = async (until: number): Promise<void> => {
      const taken = [...blends].map(([name, blend]) => [name, blend.take(until * (outputs.get(name) ?? 1))] as const);
      await take({ top: done, height: until - done, outputs: Object.fromEntries(taken) });
      done = until;
    };
    for (const [index, tile] of tiles.entries()) {
      if (tile.top > done) await takeRows(tile.top);
      const found = await compute(tile, index, tiles.length);
      for (const [name, scale] of outputs) {
        const computed = output1(found, name);
        const [batch = 1, channels = 1] = computed.dims;
        const blend = blends.get(name) ?? new TileBlend(batch, channels, tile.height * scale, cells.width * scale, done * scale);
        blends.set(name, blend);
        blend.add(scaleArea(tile, scale), computed);
      }
    }
    const last = tiles.at(-1);
    return last === undefined ? undefined : takeRows(last.top + last.height);
  }

  const parts = partsWithHalo(cells.height, cells.width, side, rule.cells).filter(({ inner }) => areasMeet(inner, wanted));
  let row: Record<string, Tensor> = {};
  for (const [index, { inner, outer }] of parts.entries()) {
    const found = await compute(outer, index, parts.length);
    for (const [name, scale] of outputs) {
      const computed = output1(found, name);
      const [batch = 1, channels = 1] = computed.dims;
      row[name] ??= zeros([batch, channels, inner.height * scale, cells.width * scale]);
      pastePlanes(row[name], scaleArea({ ...inner, top: 0 }, scale), computed, scaleArea(areaWithin(inner, outer), scale));
    }
    if (parts[index + 1]?.inner.top === inner.top) continue;
    await take({ top: inner.top, height: inner.height, outputs: row });
    row = {};
  }
}

/** The next size of pieces to try after one that did not fit; null where there is none. */
function smallerSide(context: TiledContext, role: Role, feeds: TiledFeeds): TileCells | null {
  const cells = cellsOf(context, role, feeds);
  if (cells === null || ruleOf(context.manifest.graphs[role] ?? []) === undefined) return null;
  const side = Math.min(pieceSide(context, role), Math.max(cells.height, cells.width));
  return TILE_CELLS.find((smaller) => smaller < side) ?? null;
}

/** Lowers the limit of a role. Those that blend are lowered together: the size of their tiles tells in the result, and a recipe names one. */
function lowerLimits({ manifest, tiles }: TiledContext, role: Role, cells: TileCells): void {
  tiles.set(role, cells);
  const blends = (other: Role): boolean => ruleOf(manifest.graphs[other] ?? [])?.kind === 'blend';
  if (blends(role)) for (const other of Object.keys(manifest.graphs) as Role[]) if (blends(other)) tiles.set(other, cells);
}

/** Cells a side beyond which a role is cut: its rule's, or fewer where the run says so. Infinite without a rule. */
function pieceSide({ manifest, tiles }: Pick<TiledContext, 'manifest' | 'tiles'>, role: Role): number {
  const rule = ruleOf(manifest.graphs[role] ?? []);
  if (rule === undefined) return Number.POSITIVE_INFINITY;
  return Math.min(rule.kind === 'blend' ? rule.tile : rule.part, tiles.get(role) ?? Number.POSITIVE_INFINITY);
}

function ruleOf(chain: readonly Graph[]): Graph['tiling'] {
  return chain[0]?.tiling;
}

/** Pixels a cell of each port whose last two dims are spatial: `h` is 1, `8*h` is 8. */
function spatialPorts(ports: readonly GraphPort[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { name, dims } of ports) {
    const match = /^(?:(\d+)\*)?h$/.exec(String(dims[2] ?? ''));
    if (match !== null) found.set(name, Number(match[1] ?? 1));
  }
  return found;
}

/** The size of the whole in cells; null for a role without spatial feeds. */
function cellsOf({ manifest }: Pick<TiledContext, 'manifest'>, role: Role, feeds: TiledFeeds): Extent | null {
  for (const [name, scale] of spatialPorts((manifest.graphs[role] ?? []).flatMap((graph) => graph.inputs))) {
    const feed = feeds[name];
    if (feed === undefined) continue;
    const { height, width } = isSource(feed) ? feed : { height: feed.dims[2] ?? 0, width: feed.dims[3] ?? 0 };
    return { height: height / scale, width: width / scale };
  }
  return null;
}

async function cutFeeds(feeds: TiledFeeds, ports: ReadonlyMap<string, number>, area: Area | null): Promise<Feeds> {
  const cut: Record<string, Tensor | IdTensor> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    const scale = ports.get(name);
    if (isSource(feed)) {
      // a picture no graph of the role declares
      if (scale === undefined || area === null) continue;
      cut[name] = await feed.read(scaleArea(area, scale));
    } else if (scale === undefined || area === null || !isTensor(feed)) cut[name] = feed;
    else cut[name] = cropPlanes(feed, scaleArea(area, scale));
  }
  return repeated(cut);
}

/** Tensors of one sample repeated where others have more: guidance asks two questions of one picture. */
function repeated(feeds: Feeds): Feeds {
  const batch = Math.max(...Object.values(feeds).map(({ dims }) => dims[0] ?? 1));
  if (batch === 1) return feeds;
  const repeat = (feed: Tensor | IdTensor): Tensor | IdTensor =>
    isTensor(feed) && feed.dims[0] === 1 ? stackBatch(...Array<Tensor>(batch).fill(feed)) : feed;
  return Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, repeat(feed)]));
}

function isSource(feed: TiledFeeds[string]): feed is PlaneSource {
  return 'read' in feed;
}

function isTensor(feed: Tensor | IdTensor): feed is Tensor {
  return feed.data instanceof Float32Array;
}

function zeros(dims: readonly number[]): Tensor {
  return { dims, data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)) };
}
