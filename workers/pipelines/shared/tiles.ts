import { cropTile, overlappingTiles, partsWithHalo, pasteTile, scaleTile, type Tile, TileBlend } from '../../../src/core/tiling.ts';
import type { GraphPort, Role } from '../../../src/protocol/manifest.ts';
import type { Feeds, Fetches } from '../../sessions/runtime.ts';
import type { PipelineContext } from '../context.ts';
import { output1 } from './outputs.ts';

type TiledContext = Pick<PipelineContext, 'manifest' | 'run' | 'emit'>;

/**
 * A role over a whole picture or latent, in pieces where it is larger than the graph's tiling rule allows. A `halo` graph sees only so
 * many cells around: its parts, each computed with them, are exactly the whole. A `blend` graph sees everything at once: its tiles overlap and
 * are blended. Feeds and outputs whose manifest dims name `h` and `w` are cut and put together, the rest is given to every piece.
 */
export async function runTiled(context: TiledContext, role: Role, feeds: Feeds): Promise<Fetches> {
  const chain = context.manifest.graphs[role] ?? [];
  const rule = chain[0]?.tiling;
  const inputs = spatialPorts(chain.flatMap((graph) => graph.inputs));
  const cells = cellsOf(feeds, inputs);
  if (rule === undefined || cells === null) return context.run(role, feeds);
  const { height, width } = cells;
  const side = rule.kind === 'blend' ? rule.tile : rule.part;
  if (height <= side && width <= side) return context.run(role, feeds);

  const outputs = spatialPorts(chain.at(-1)?.outputs ?? []);
  const piece = async (tile: Tile, index: number, count: number): Promise<Fetches> => {
    await context.emit({ type: 'tile', role, index, count });
    return context.run(role, cropFeeds(feeds, inputs, tile));
  };
  if (rule.kind === 'blend') {
    const blends = new Map<string, TileBlend>();
    const tiles = overlappingTiles(height, width, rule.tile, rule.overlap);
    for (const [index, tile] of tiles.entries()) {
      const found = await piece(tile, index, tiles.length);
      for (const [name, scale] of outputs) {
        const computed = output1(found, name);
        const [batch = 1, channels = 1] = computed.dims;
        const blend = blends.get(name) ?? new TileBlend([batch, channels, height * scale, width * scale]);
        blends.set(name, blend);
        blend.add(scaleTile(tile, scale), computed);
      }
    }
    return Object.fromEntries([...blends].map(([name, blend]) => [name, blend.result()]));
  }
  const whole: Record<string, ReturnType<typeof cropTile>> = {};
  const parts = partsWithHalo(height, width, rule.part, rule.cells);
  for (const [index, { inner, outer }] of parts.entries()) {
    const found = await piece(outer, index, parts.length);
    const within = { ...inner, top: inner.top - outer.top, left: inner.left - outer.left };
    for (const [name, scale] of outputs) {
      const computed = output1(found, name);
      const [batch = 1, channels = 1] = computed.dims;
      const dims = [batch, channels, height * scale, width * scale];
      whole[name] ??= { dims, data: new Float32Array(batch * channels * height * width * scale * scale) };
      pasteTile(whole[name], scaleTile(inner, scale), computed, scaleTile(within, scale));
    }
  }
  return whole;
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

function cellsOf(feeds: Feeds, ports: ReadonlyMap<string, number>): { readonly height: number; readonly width: number } | null {
  for (const [name, scale] of ports) {
    const feed = feeds[name];
    if (feed !== undefined) return { height: (feed.dims[2] ?? 0) / scale, width: (feed.dims[3] ?? 0) / scale };
  }
  return null;
}

function cropFeeds(feeds: Feeds, ports: ReadonlyMap<string, number>, tile: Tile): Feeds {
  const cut = Object.entries(feeds).map(([name, feed]) => {
    const scale = ports.get(name);
    if (scale === undefined || !(feed.data instanceof Float32Array)) return [name, feed] as const;
    return [name, cropTile({ dims: feed.dims, data: feed.data }, scaleTile(tile, scale))] as const;
  });
  return Object.fromEntries(cut);
}
