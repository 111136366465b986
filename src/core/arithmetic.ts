import type { Area } from './area.ts';
import { cropPlanes, elementCount, pastePlanes, stackBatch, type Tensor } from './tensor.ts';
import { TileBlend } from './tiling.ts';

/** A float32 tensor that lies where graphs compute, not on the processor. Whoever was given it disposes it. */
export interface DeviceTensor {
  readonly dims: readonly number[];
  /** What computes with it. */
  readonly arithmetic: Arithmetic;
  /** Frees it. Twice is harmless. */
  dispose(): void;
}

/** A float32 tensor wherever it lies. */
export type AnyTensor = Tensor | DeviceTensor;

/** A weight times a tensor, or times one sample of its batch. */
export interface SumTerm {
  readonly weight: number;
  readonly tensor: AnyTensor;
  /** The place in its batch; 0 for a tensor [1, …]. */
  readonly sample: number;
}

/** Tiles of planes that overlap, blended from top to bottom: see `TileBlend`. */
export interface Blend {
  add(tile: Area, part: AnyTensor): void;
  take(until: number): AnyTensor;
  /** Frees what is held; the processor's holds nothing that has to be. */
  dispose(): void;
}

/** Arithmetic with tensors where they lie: float32, row-major. A device's takes tensors of the processor too. What it gives lies with it. */
export interface Arithmetic {
  put(tensor: Tensor): AnyTensor;
  /** Σ weight · sample + offset [1, …], element by element; a tensor itself where that is all and it lies on the processor. */
  sum(terms: readonly SumTerm[], offset?: number): AnyTensor;
  /** An area of planes [B, C, H, W]; all of them are the tensor itself. */
  crop(planes: AnyTensor, area: Area): AnyTensor;
  /** Tensors [1, …] of equal dims stacked to [B, …]. */
  stack(parts: readonly AnyTensor[]): AnyTensor;
  zeros(dims: readonly number[]): AnyTensor;
  /** Writes the area `from` of `part` into `whole` at `to`, which has its size. */
  paste(whole: AnyTensor, to: Area, part: AnyTensor, from: Area): void;
  /** See `TileBlend`. */
  blend(batch: number, channels: number, rows: number, width: number, top: number): Blend;
  /** The same tensors on the processor, brought over together. Rejects where the device went away. */
  read(tensors: readonly AnyTensor[]): Promise<Tensor[]>;
  /** Whether all their numbers are numbers; from a device one scalar comes for all. Rejects as `read`. */
  isFinite(tensors: readonly AnyTensor[]): Promise<boolean>;
}

/** Whether a tensor's numbers are at hand. */
export function isHere(tensor: AnyTensor): tensor is Tensor {
  return 'data' in tensor;
}

/** What computes with a tensor where it lies. */
export function arithmeticOf(tensor: AnyTensor): Arithmetic {
  return isHere(tensor) ? PROCESSOR : tensor.arithmetic;
}

/** Frees a tensor where that has to be asked for. */
export function free(tensor: AnyTensor): void {
  if (!isHere(tensor)) tensor.dispose();
}

/** Tensors on the processor, computed with there. Throws TypeError for any that lies elsewhere. */
export const PROCESSOR: Arithmetic = {
  put: (tensor) => tensor,

  sum(terms, offset = 0) {
    const [first] = terms;
    if (first === undefined) throw new RangeError('expected at least one term');
    const { dims } = first.tensor;
    const alone = terms.length === 1 && first.weight === 1 && offset === 0 && dims[0] === 1;
    if (alone) return first.tensor;
    const own = [1, ...dims.slice(1)];
    const count = elementCount(own);
    const weights = terms.map(({ weight }) => weight);
    const arrays = terms.map(({ tensor, sample }) => here(tensor).data.subarray(sample * count, (sample + 1) * count));
    const out = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let part = 0; part < arrays.length; part++) sum += (weights[part] ?? 0) * (arrays[part]?.[i] ?? 0);
      out[i] = sum + offset;
    }
    return { dims: own, data: out };
  },

  crop: (planes, area) => cropPlanes(here(planes), area),
  stack: (parts) => stackBatch(...parts.map(here)),
  zeros: (dims) => ({ dims, data: new Float32Array(elementCount(dims)) }),
  paste: (whole, to, part, from) => pastePlanes(here(whole), to, here(part), from),

  blend(batch, channels, rows, width, top) {
    const blend = new TileBlend(batch, channels, rows, width, top);
    return { add: (tile, part) => blend.add(tile, here(part)), take: (until) => blend.take(until), dispose: () => {} };
  },

  read: async (tensors) => tensors.map(here),

  async isFinite(tensors) {
    // nothing times zero is zero but a number: one sum finds any that is none, at a tenth of what asking each costs
    let poison = 0;
    for (const tensor of tensors) for (const value of here(tensor).data) poison += value * 0;
    return poison === 0;
  },
};

function here(tensor: AnyTensor): Tensor {
  if (!isHere(tensor)) throw new TypeError('expected a tensor on the processor, got one on a device');
  return tensor;
}

/** Tensors that are let go of together, or but for some. */
export class Held {
  readonly #held = new Set<AnyTensor>();

  hold<T extends AnyTensor>(tensor: T): T {
    this.#held.add(tensor);
    return tensor;
  }

  /** Frees all others. */
  keepOnly(kept: readonly AnyTensor[]): void {
    for (const tensor of this.#held) {
      if (kept.includes(tensor)) continue;
      this.#held.delete(tensor);
      free(tensor);
    }
  }
}
