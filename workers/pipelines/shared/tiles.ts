import { type Area, areasMeet, areaWithin, type Extent, scaleArea, wholeArea } from '../../../src/core/area.ts';
import { type AnyTensor, arithmeticOf, type Blend, free } from '../../../src/core/arithmetic.ts';
import type { PlaneSource } from '../../../src/core/sources.ts';
import type { Tensor } from '../../../src/core/tensor.ts';
import { overlappingTiles, partsWithHalo } from '../../../src/core/tiling.ts';
import { partFor, type RegionParts } from '../../../src/plan/region.ts';
import { StudioError } from '../../../src/protocol/errors.ts';
import type { Graph, GraphPort, Role } from '../../../src/protocol/manifest.ts';
import { TILE_CELLS, type TileCells } from '../../../src/protocol/request.ts';
import type { Feeds, Fetches, IdTensor, Outputs } from '../../sessions/runtime.ts';
import type { PipelineContext } from '../context.ts';
import { output1 } from './outputs.ts';

export type TiledContext = Pick<PipelineContext, 'manifest' | 'run' | 'moveOn' | 'emit' | 'tiles'>;

/** Runs a role's graphs on feeds that are cut already. */
type Run<T extends AnyTensor> = (role: Role, feeds: Feeds) => Promise<Readonly<Record<string, T>>>;

/** Feeds of a role; a picture need not be there whole. */
export type TiledFeeds = Readonly<Record<string, AnyTensor | IdTensor | PlaneSource>>;

/** Rows of the outputs that are finished: `top` and `height` in latent cells. */
export interface Band<T extends AnyTensor = Tensor> {
  readonly top: number;
  readonly height: number;
  readonly outputs: Readonly<Record<string, T>>;
}

/**
 * A role over a whole picture or latent, in pieces where it is larger than the graph's tiling rule allows. A `halo` graph sees only so
 * many cells around: its parts, each computed with them, are exactly the whole. A `blend` graph sees everything at once: its tiles overlap and
 * are blended. Feeds and outputs whose manifest dims name `h` and `w` are cut and put together, the rest is given to every piece.
 * Tensors of one sample are repeated for each where other feeds have several. `region`: pieces that it does not need of this role are left out, and what they would have given is undefined.
 */
export function runTiled(context: TiledContext, role: Role, feeds: TiledFeeds, region: RegionParts | null = null): Promise<Fetches> {
  return putTogether(context, context.run, role, feeds, region);
}

/** `runTiled`, its outputs left where they were computed and put together there; whoever asked frees them. */
export function runTiledInPlace(
  context: TiledContext & Pick<PipelineContext, 'runInPlace'>,
  role: Role,
  feeds: TiledFeeds,
  region: RegionParts | null,
): Promise<Outputs> {
  return putTogether(context, context.runInPlace, role, feeds, region);
}

async function putTogether<T extends AnyTensor>(
  context: TiledContext,
  run: Run<T>,
  role: Role,
  feeds: TiledFeeds,
  region: RegionParts | null,
): Promise<Readonly<Record<string, T>>> {
  const whole: Record<string, T> = {};
  const { height } = cellsOf(context, role, feeds) ?? { height: 1 };
  const take = async (band: Band<T>): Promise<void> => {
    for (const [name, part] of Object.entries(band.outputs)) {
      const known = whole[name];
      if (band.height === height) {
        // memory did not suffice for what came before
        if (known !== undefined) free(known);
        whole[name] = part;
        continue;
      }
      const [batch = 1, channels = 1, rows = 1, width = 1] = part.dims;
      const scale = rows / band.height;
      const all = known ?? (arithmeticOf(part).zeros([batch, channels, height * scale, width]) as T);
      whole[name] = all;
      arithmeticOf(all).paste(all, { top: band.top * scale, left: 0, height: rows, width }, part, wholeArea({ height: rows, width }));
      free(part);
    }
  };
  try {
    await inBands(context, run, role, feeds, region, take);
  } catch (error) {
    Object.values(whole).forEach(free);
    throw error;
  }
  return whole;
}

/**
 * `runTiled`, its outputs given from top to bottom as they are finished. When memory does not suffice, it begins again from the top, in smaller
 * pieces or at last on the next backend: `take` may be given rows it had. Throws StudioError `out-of-memory` when nothing is left to try.
 */
export function runInBands(
  context: TiledContext,
  role: Role,
  feeds: TiledFeeds,
  region: RegionParts | null,
  take: (band: Band) => Promise<void>,
): Promise<void> {
  return inBands(context, context.run, role, feeds, region, take);
}

async function inBands<T extends AnyTensor>(
  context: TiledContext,
  run: Run<T>,
  role: Role,
  feeds: TiledFeeds,
  region: RegionParts | null,
  take: (band: Band<T>) => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      return await runOnce(context, run, role, feeds, partFor(role, region), take);
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

/** Whether a role sees all of its feeds in one piece. */
export function isOnePiece(context: Pick<TiledContext, 'manifest' | 'tiles'>, role: Role, { height, width }: Extent): boolean {
  const side = pieceSide(context, role);
  return height <= side && width <= side;
}

async function runOnce<T extends AnyTensor>(
  context: TiledContext,
  run: Run<T>,
  role: Role,
  feeds: TiledFeeds,
  needed: Area | null,
  take: (band: Band<T>) => Promise<void>,
): Promise<void> {
  const chain = context.manifest.graphs[role] ?? [];
  const cells = cellsOf(context, role, feeds);
  const rule = ruleOf(chain);
  const inputs = spatialPorts(chain.flatMap((graph) => graph.inputs));
  const runOn = async (area: Area | null): Promise<Readonly<Record<string, T>>> => {
    const cut = await cutFeeds(feeds, inputs, area);
    try {
      return await run(role, cut.feeds);
    } finally {
      cut.made.forEach(free);
    }
  };
  if (rule === undefined || cells === null || isOnePiece(context, role, cells)) {
    const outputs = await runOn(cells === null ? null : wholeArea(cells));
    return take({ top: 0, height: cells?.height ?? 1, outputs });
  }
  const side = pieceSide(context, role);
  const outputs = spatialPorts(chain.at(-1)?.outputs ?? []);
  const wanted = needed ?? wholeArea(cells);
  const compute = async (outer: Area, index: number, count: number): Promise<Readonly<Record<string, T>>> => {
    await context.emit({ type: 'tile', role, index, count });
    return runOn(outer);
  };

  if (rule.kind === 'blend') {
    const tiles = overlappingTiles(cells.height, cells.width, side, Math.min(rule.overlap, side / 2)).filter((tile) =>
      areasMeet(tile, wanted),
    );
    const blends = new Map<string, Blend>();
    let done = tiles[0]?.top ?? 0;
    const takeRows = async (until: number): Promise<void> => {
      // what lies where the parts did is of their kind
      const taken = [...blends].map(([name, blend]) => [name, blend.take(until * (outputs.get(name) ?? 1)) as T] as const);
      await take({ top: done, height: until - done, outputs: Object.fromEntries(taken) });
      done = until;
    };
    try {
      for (const [index, tile] of tiles.entries()) {
        if (tile.top > done) await takeRows(tile.top);
        const found = await compute(tile, index, tiles.length);
        for (const [name, scale] of outputs) {
          const computed = output1(found, name);
          const [batch = 1, channels = 1] = computed.dims;
          const blend =
            blends.get(name) ?? arithmeticOf(computed).blend(batch, channels, tile.height * scale, cells.width * scale, done * scale);
          blends.set(name, blend);
          blend.add(scaleArea(tile, scale), computed);
          free(computed);
        }
      }
      const last = tiles.at(-1);
      if (last !== undefined) await takeRows(last.top + last.height);
    } finally {
      for (const blend of blends.values()) blend.dispose();
    }
    return;
  }

  const parts = partsWithHalo(cells.height, cells.width, side, rule.cells).filter(({ inner }) => areasMeet(inner, wanted));
  let row: Record<string, T> = {};
  for (const [index, { inner, outer }] of parts.entries()) {
    const found = await compute(outer, index, parts.length);
    for (const [name, scale] of outputs) {
      const computed = output1(found, name);
      const [batch = 1, channels = 1] = computed.dims;
      const whole = row[name] ?? (arithmeticOf(computed).zeros([batch, channels, inner.height * scale, cells.width * scale]) as T);
      row[name] = whole;
      arithmeticOf(whole).paste(whole, scaleArea({ ...inner, top: 0 }, scale), computed, scaleArea(areaWithin(inner, outer), scale));
      free(computed);
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

/** Feeds as an area needs them, and those tensors among them that were made for it. */
interface CutFeeds {
  readonly feeds: Feeds;
  readonly made: readonly AnyTensor[];
}

async function cutFeeds(feeds: TiledFeeds, ports: ReadonlyMap<string, number>, area: Area | null): Promise<CutFeeds> {
  const cut: Record<string, AnyTensor | IdTensor> = {};
  for (const [name, feed] of Object.entries(feeds)) {
    const scale = ports.get(name);
    if (isSource(feed)) {
      // a picture no graph of the role declares
      if (scale === undefined || area === null) continue;
      cut[name] = await feed.read(scaleArea(area, scale));
    } else if (scale === undefined || area === null || !isTensor(feed)) cut[name] = feed;
    else cut[name] = arithmeticOf(feed).crop(feed, scaleArea(area, scale));
  }
  const given = repeated(cut);
  const made = [...Object.values(cut), ...Object.values(given)].filter(isTensor).filter((tensor) => !Object.values(feeds).includes(tensor));
  return { feeds: given, made };
}

/** Tensors of one sample repeated where others have more: guidance asks two questions of one picture. */
function repeated(feeds: Feeds): Feeds {
  const batch = Math.max(...Object.values(feeds).map(({ dims }) => dims[0] ?? 1));
  if (batch === 1) return feeds;
  const repeat = (feed: AnyTensor | IdTensor): AnyTensor | IdTensor =>
    isTensor(feed) && feed.dims[0] === 1 ? arithmeticOf(feed).stack(Array<AnyTensor>(batch).fill(feed)) : feed;
  return Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, repeat(feed)]));
}

function isSource(feed: TiledFeeds[string]): feed is PlaneSource {
  return 'read' in feed;
}

function isTensor(feed: AnyTensor | IdTensor): feed is AnyTensor {
  return !('data' in feed && feed.data instanceof BigInt64Array);
}
