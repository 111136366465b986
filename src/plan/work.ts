import type { Graph, Manifest, Role } from '../protocol/manifest.ts';
import { area } from './held.ts';
import { type Pieces, piecesOf } from './pieces.ts';
import { partFor, type RegionParts } from './region.ts';
import type { Size } from './working-size.ts';

/** A graph of a run: in how many pieces, of which size at most, how often on the whole picture, and what that takes. */
export interface GraphWork {
  readonly role: Role;
  readonly pieces: number;
  /** Of the largest piece, in latent cells. */
  readonly cells: Size;
  readonly loadedBytes: number;
  /** Beyond what is loaded, at the largest piece. */
  readonly runBytes: number;
  /** Of its largest tensor then: as counted, or half of the run, since an operation's input and output are held together. */
  readonly tensorBytes: number;
  /** Multiply-accumulates of the whole run. */
  readonly macs: number;
}

/** How often a role runs, and on what. */
export interface WorkFacts {
  readonly cells: Size;
  readonly tileCells: number | null;
  /** What of the whole is computed; null for all. */
  readonly region: RegionParts | null;
  readonly steps: number;
  /** Whether classifier-free guidance doubles the denoiser's batch. */
  readonly guided: boolean;
  /** How often a step's picture is decoded in the run. */
  readonly previewDecodes: number;
  /** Whether decoding is a correction: what is corrected is decoded too. */
  readonly corrects: boolean;
}

/** What decodes previews: the cheap decoder where a bundle has one. */
export function previewRoleOf({ previewDecoder }: Manifest['graphs']): 'vaeDecoder' | 'previewDecoder' {
  return previewDecoder === undefined ? 'vaeDecoder' : 'previewDecoder';
}

/** Roles whose graphs run once for each lane, shared or not: what they see differs. */
const EACH_LANE: readonly Role[] = ['denoiser', 'vaeDecoder', 'previewDecoder'];

/** Every different graph of a run's lanes, in the order of the lead's manifest. Graphs that lanes share are one. */
export function workOf(lanes: readonly Manifest[], facts: WorkFacts): readonly GraphWork[] {
  const graphs = new Map<string, { readonly role: Role; readonly previewRole: Role; readonly graph: Graph; lanes: number }>();
  for (const { graphs: roles } of lanes) {
    for (const role of Object.keys(roles) as Role[]) {
      for (const graph of roles[role] ?? []) {
        const previewRole = previewRoleOf(roles);
        const key = graph.files.map(({ sha256 }) => sha256).join();
        const known = graphs.get(key);
        if (known === undefined) graphs.set(key, { role, previewRole, graph, lanes: 1 });
        else if (EACH_LANE.includes(role)) known.lanes++;
      }
    }
  }
  return [...graphs.values()].map(({ role, previewRole, graph, lanes: count }) =>
    graphWork(role, graph, count * timesOf(role, previewRole, facts), facts),
  );
}

function graphWork(role: Role, graph: Graph, times: number, { cells, tileCells, region, guided }: WorkFacts): GraphWork {
  const pieces = piecesOf(graph, cells, tileCells, partFor(role, region));
  const { heights, widths } = pieces;
  const largest = { height: Math.max(...heights), width: Math.max(...widths) };
  const count = heights.length * widths.length;
  const batch = role === 'denoiser' && guided ? 2 : 1;
  const { loadedBytes, fixedBytes, bytesPerCell, bytesPerCellSquared, tensorBytesPerCell } = graph.memory;
  const runBytes = times === 0 ? 0 : batch * growth(fixedBytes, bytesPerCell, bytesPerCellSquared, area(largest));
  const { fixed, perCell, perCellSquared } = graph.macs;
  return {
    role,
    pieces: count,
    cells: largest,
    loadedBytes,
    runBytes,
    tensorBytes: tensorBytesPerCell === undefined || times === 0 ? runBytes / 2 : batch * tensorBytesPerCell * area(largest),
    macs: times * batch * (fixed * count + perCell * cellsOf(pieces, 1) + perCellSquared * cellsOf(pieces, 2)),
  };
}

/** The sum over all pieces of their cells to a power. */
function cellsOf({ heights, widths }: Pieces, power: number): number {
  const sum = (sides: readonly number[]): number => sides.reduce((total, side) => total + side ** power, 0);
  return sum(heights) * sum(widths);
}

function growth(fixed: number, linear: number, squared: number, cells: number): number {
  return fixed + linear * cells + squared * cells ** 2;
}

function timesOf(role: Role, previewRole: Role, { steps, guided, previewDecodes, corrects }: WorkFacts): number {
  if (role === 'denoiser') return steps;
  const previews = role === previewRole ? previewDecodes : 0;
  if (role === 'previewDecoder') return previews;
  if (role === 'vaeDecoder') return 1 + Number(corrects) + previews;
  return role === 'textEncoder' && guided ? 2 : 1;
}
