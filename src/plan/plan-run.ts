import { STRIP_PIXELS } from '../core/sources.ts';
import type { StudioErrorCode } from '../protocol/errors.ts';
import type { Manifest } from '../protocol/manifest.ts';
import { type RestoreRequest, TILE_CELLS, type TileCells } from '../protocol/request.ts';
import type { DeviceMemory } from '../protocol/studio-api.ts';
import { area, heldBytes, KEPT_BANDS_PIXELS, type Phase, type RunShape, seesPicture } from './held.ts';
import { regionIn } from './region.ts';
import { graphBytesOf } from './stages.ts';
import { gigabytes, tileReason, tileWords } from './words.ts';
import { type GraphWork, workOf } from './work.ts';
import { type Size, workingSizes } from './working-size.ts';

/** What of a run its needs follow from. `manifests`: of its lanes, the leader first. */
export interface PlannedRun extends Pick<RestoreRequest, 'scale' | 'steps' | 'guidance' | 'preview' | 'tileCells' | 'region' | 'depth'> {
  readonly manifests: readonly [Manifest, ...Manifest[]];
  readonly image: Size;
}

/** Bytes held at the run's peak, by what holds them. */
export interface PlannedBytes {
  /** The program before the run, where it can be asked. */
  readonly program: number;
  readonly weights: number;
  /** Of running graphs: ONNX Runtime keeps what each took for its next run. */
  readonly graphs: number;
  readonly latents: number;
  readonly pictures: number;
}

/** A run that fits. */
export interface RunPlan {
  readonly kind: 'plan';
  readonly working: Size;
  readonly output: Size;
  /** For the request: the largest side of a tile, null where the model's own rule stands. */
  readonly tileCells: TileCells | null;
  readonly graphs: readonly GraphWork[];
  /** Whether graphs are loaded for their stage alone, since all of them would not fit together. */
  readonly byStage: boolean;
  readonly bytes: PlannedBytes;
  readonly peakBytes: number;
  /** Multiply-accumulates. */
  readonly macs: number;
  /** About; null while nothing is known of the device's speed. */
  readonly seconds: number | null;
  /** For people: in how many tiles, and a sentence why. */
  readonly tiles: string;
  readonly reason: string;
}

/** A run that would not fit, whatever its tiles. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly code: Extract<StudioErrorCode, 'image-too-large' | 'out-of-memory'>;
  /** One sentence for people, with the remedy. */
  readonly message: string;
  /** What would fit; null where nothing of this model does. */
  readonly remedy: { readonly scale: number; readonly image: Size } | null;
}

export type Plan = RunPlan | Refusal;

/** Of what a device has: the rest is the system's and other programs'. */
export const USABLE_SHARE = 0.75;
/** Where a browser does not say. */
const ASSUMED_TOTAL_BYTES = 4 * 2 ** 30;

const SMALLEST_TILE: TileCells = 64;

/**
 * What a run will take on a device, in tiles as large as its memory allows: the request's or the model's own first, then each smaller size of
 * TILE_CELLS. Of a region no more is counted than is computed for it. A refusal names the largest scale that fits, or the largest picture at ×1. `macsPerSecond`: the device's speed, where it is known.
 */
export function planRun(run: PlannedRun, device: DeviceMemory, macsPerSecond: number | null): Plan {
  const asked = run.tileCells ?? Number.POSITIVE_INFINITY;
  for (const tileCells of [run.tileCells, ...TILE_CELLS.filter((cells) => cells < asked && cells >= SMALLEST_TILE)]) {
    // loading anew costs a moment, other tiles another picture
    for (const byStage of [false, true]) {
      const plan = planWith({ ...run, tileCells }, device, macsPerSecond, run.tileCells, byStage);
      if (fits(plan, device)) return plan;
    }
  }
  return refuse(run, device);
}

function planWith(run: PlannedRun, device: DeviceMemory, macsPerSecond: number | null, asked: TileCells | null, byStage: boolean): RunPlan {
  const { manifests, image, scale, steps, tileCells, region, depth } = run;
  const [lead] = manifests;
  const { working, visible } = workingSizes(lead, image, scale);
  const cells = { height: working.height / lead.latent.factor, width: working.width / lead.latent.factor };
  const previews = run.preview !== 'none';
  const parts = region === null ? null : regionIn(region, image, visible, cells, lead, tileCells);
  const corrects = lead.image.decoding === 'correction';
  const previewDecodes = previews ? previewDecodesOf(area(parts?.visible ?? visible), steps, corrects) : 0;
  const graphs = workOf(manifests, { cells, tileCells, region: parts, steps, guided: run.guidance > 1, previewDecodes, corrects });
  const { height, width } = region ?? image;
  const output = { height: height * scale, width: width * scale };
  const [condition] = lead.graphs.conditionEncoder?.at(-1)?.outputs ?? [];
  const shape: RunShape = {
    input: image,
    output,
    working,
    cells,
    latentChannels: lead.latent.channels,
    conditionChannels: Number(condition?.dims[1] ?? 0),
    conditionLanes: graphs.filter(({ role }) => role === 'conditionEncoder').length,
    lanes: manifests.length,
    steps,
    depth,
    previews,
    firstStage: lead.graphs.restorer !== undefined,
    seesPicture: seesPicture(lead),
  };
  const held = (phase: Phase) => ({ latents: heldBytes('latents', phase, shape), pictures: heldBytes('pictures', phase, shape) });
  const [sampling, decoding] = [held('sampling'), held('decoding')];
  const bytes: PlannedBytes = {
    program: device.programBytes,
    ...graphBytesOf(graphs, lead, byStage),
    ...(sampling.latents + sampling.pictures > decoding.latents + decoding.pictures ? sampling : decoding),
  };
  const macs = graphs.reduce((sum, graph) => sum + graph.macs, 0);
  return {
    kind: 'plan',
    working,
    output,
    tileCells,
    graphs,
    byStage,
    bytes,
    peakBytes: Object.values(bytes).reduce((sum, part) => sum + part, 0),
    macs,
    seconds: macsPerSecond === null ? null : macs / macsPerSecond,
    tiles: tileWords(graphs, lead),
    reason: tileReason(graphs, lead, tileCells, asked),
  };
}

/** How often the previews of so many pixels are decoded; what is corrected too: once, or again with each where it is more than a strip. */
function previewDecodesOf(pixels: number, steps: number, corrects: boolean): number {
  const own = pixels <= KEPT_BANDS_PIXELS ? steps : 2 * steps - 1;
  const centre = pixels <= STRIP_PIXELS ? 1 : own;
  return corrects ? own + centre : own;
}

/** Graphs within their address space and the largest buffer a GPU binds, everything within the device's memory. */
function fits(plan: RunPlan, device: DeviceMemory): boolean {
  return graphsFit(plan, device) && plan.peakBytes <= usableBytes(device);
}

function graphsFit({ bytes, graphs }: RunPlan, { heapBytes, bindingBytes }: DeviceMemory): boolean {
  const largestTensor = Math.max(...graphs.map(({ tensorBytes }) => tensorBytes));
  return (
    bytes.weights + bytes.graphs <= USABLE_SHARE * (heapBytes ?? Number.POSITIVE_INFINITY) &&
    largestTensor <= (bindingBytes ?? Number.POSITIVE_INFINITY)
  );
}

/** What compiled graphs may take: those a run needs, and those kept beside them. `plan`: the run's, whose own bytes are not theirs; null before one. */
export function graphBudgetBytes(device: DeviceMemory, plan: RunPlan | null): number {
  const { weights = 0, graphs = 0 } = plan?.bytes ?? {};
  const besideBytes = (plan?.peakBytes ?? 0) - weights;
  return Math.min(usableBytes(device) - besideBytes, USABLE_SHARE * (device.heapBytes ?? Number.POSITIVE_INFINITY) - graphs);
}

function usableBytes({ totalBytes }: DeviceMemory): number {
  return USABLE_SHARE * (totalBytes ?? ASSUMED_TOTAL_BYTES);
}

function refuse(run: PlannedRun, device: DeviceMemory): Refusal {
  const { image, scale } = run;
  const smallest = planWith({ ...run, tileCells: SMALLEST_TILE }, device, null, SMALLEST_TILE, true);
  const remedy = smallerScale(run, device) ?? smallerPicture(run, device);
  return {
    kind: 'refusal',
    code: remedy === null ? 'out-of-memory' : 'image-too-large',
    message: `${image.width}×${image.height} at ×${scale} needs about ${gigabytes(smallest.peakBytes)}, more than this device can give; ${help(remedy, run)}.`,
    remedy,
  };
}

function help(remedy: Refusal['remedy'], { image }: PlannedRun): string {
  if (remedy === null) return 'one model instead of two, or a smaller model, needs less';
  if (remedy.image === image) return `×${remedy.scale} would fit`;
  return `reduced to ${remedy.image.width}×${remedy.image.height} first, it would fit at ×${remedy.scale}`;
}

function accepted(run: PlannedRun, device: DeviceMemory): boolean {
  return fits(planWith({ ...run, tileCells: SMALLEST_TILE }, device, null, SMALLEST_TILE, true), device);
}

function smallerScale(run: PlannedRun, device: DeviceMemory): Refusal['remedy'] {
  for (let scale = Math.ceil(run.scale) - 1; scale >= 1; scale--) {
    if (accepted({ ...run, scale }, device)) return { scale, image: run.image };
  }
  return null;
}

/** The largest reduction of the picture, to a hundredth of its sides, that fits at ×1; a smaller one takes less. */
function smallerPicture(run: PlannedRun, device: DeviceMemory): Refusal['remedy'] {
  const { height, width } = run.image;
  const reduced = (percent: number): Size => ({ height: Math.ceil((height * percent) / 100), width: Math.ceil((width * percent) / 100) });
  let [fitting, tooLarge] = [0, 100];
  while (tooLarge - fitting > 1) {
    const percent = Math.floor((fitting + tooLarge) / 2);
    if (accepted({ ...run, image: reduced(percent), region: null, scale: 1 }, device)) fitting = percent;
    else tooLarge = percent;
  }
  return fitting === 0 ? null : { scale: 1, image: reduced(fitting) };
}
