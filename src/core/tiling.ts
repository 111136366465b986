import type { Area } from './area.ts';
import type { Tensor } from './tensor.ts';

/** Sides of tiles are multiples of this many cells, which every graph accepts. */
const TILE_MULTIPLE = 8;

/**
 * Tiles of at most `tile` × `tile` cells that cover height × width, row by row, neighbours overlapping by at least `overlap`; the last row and
 * column are moved back to end at the border (SeeSR and PASD, test_seesr.py). As few as will do, and no larger than so many need be: tiles of
 * full size would compute much twice. Throws RangeError unless 0 ≤ overlap < tile.
 */
export function overlappingTiles(height: number, width: number, tile: number, overlap: number): Area[] {
  const columns = overlappingSpans(width, tile, overlap);
  return overlappingSpans(height, tile, overlap).flatMap((row) => columns.map((column) => areaOf(row, column)));
}

/** Cells from `start` on, of one side of a picture. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

/** The rows of `overlappingTiles` of a picture with such a side; its columns likewise. */
export function overlappingSpans(side: number, tile: number, overlap: number): Span[] {
  if (!(overlap >= 0 && overlap < tile)) throw new RangeError(`expected an overlap of 0 … ${tile - 1} cells, got ${overlap}`);
  const length = tileSide(side, tile, overlap);
  return starts(side, length, tile - overlap).map((start) => ({ start, length }));
}

function areaOf(row: Span, column: Span): Area {
  return { top: row.start, left: column.start, height: row.length, width: column.length };
}

function tileSide(side: number, tile: number, overlap: number): number {
  if (side <= tile) return side;
  const count = Math.ceil((side - overlap) / (tile - overlap));
  const needed = (side + (count - 1) * overlap) / count;
  return Math.min(tile, Math.ceil(needed / TILE_MULTIPLE) * TILE_MULTIPLE);
}

function starts(side: number, tile: number, stride: number): number[] {
  const found: number[] = [];
  for (let start = 0; start + tile < side; start += stride) found.push(start);
  return [...found, side - tile];
}

/** A part of a picture to compute, and the larger part its pixels depend on. */
export interface Part {
  readonly inner: Area;
  readonly outer: Area;
}

/** Parts of at most `side` × `side` cells that divide height × width, each with up to `halo` cells more on every side. */
export function partsWithHalo(height: number, width: number, side: number, halo: number): Part[] {
  const columns = spansWithHalo(width, side, halo);
  return spansWithHalo(height, side, halo).flatMap((row) =>
    columns.map((column) => ({ inner: areaOf(row.inner, column.inner), outer: areaOf(row.outer, column.outer) })),
  );
}

/** The rows of `partsWithHalo` of a picture with such a side; its columns likewise. */
export function spansWithHalo(whole: number, side: number, halo: number): { readonly inner: Span; readonly outer: Span }[] {
  return Array.from({ length: Math.ceil(whole / side) }, (_, i) => {
    const [start, end] = [i * side, Math.min(whole, (i + 1) * side)];
    const [from, until] = [Math.max(0, start - halo), Math.min(whole, end + halo)];
    return { inner: { start, length: end - start }, outer: { start: from, length: until - from } };
  });
}

/** Variance of the blending window, of the tile's side squared (SeeSR, PASD and DiffBIR's newer code alike). */
export const WINDOW_VARIANCE = 0.01;

/**
 * Overlapping tiles of planes [B, C, H, W], blended by a separable Gaussian window, from top to bottom: rows that no later tile reaches are
 * taken out, so that only one row of tiles is held. The window is symmetric; SeeSR's own is half a cell off in one direction.
 */
export class TileBlend {
  readonly #batch: number;
  readonly #channels: number;
  readonly #width: number;
  readonly #rows: number;
  /** The first row held. */
  #top: number;
  readonly #sum: Float32Array<ArrayBuffer>;
  readonly #weight: Float32Array<ArrayBuffer>;

  /** `rows`: as many as a tile has. `top`: where the first tile begins. */
  constructor(batch: number, channels: number, rows: number, width: number, top = 0) {
    this.#batch = batch;
    this.#channels = channels;
    this.#rows = rows;
    this.#width = width;
    this.#top = top;
    this.#sum = new Float32Array(batch * channels * rows * width);
    this.#weight = new Float32Array(rows * width);
  }

  /** Adds what was computed for a tile, which begins at no row taken out already. */
  add({ top, left, height, width }: Area, { data }: Tensor): void {
    const first = top - this.#top;
    if (first < 0 || first + height > this.#rows) {
      throw new RangeError(`expected a tile within rows ${this.#top} … ${this.#top + this.#rows}, got ${top} … ${top + height}`);
    }
    const [vertical, horizontal] = [gaussian(height), gaussian(width)];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const weight = (vertical[y] ?? 0) * (horizontal[x] ?? 0);
        const at = (first + y) * this.#width + left + x;
        this.#weight[at] = (this.#weight[at] ?? 0) + weight;
        for (let plane = 0; plane < this.#batch * this.#channels; plane++) {
          const to = plane * this.#weight.length + at;
          this.#sum[to] = (this.#sum[to] ?? 0) + weight * (data[(plane * height + y) * width + x] ?? 0);
        }
      }
    }
  }

  /** Takes out the blended rows [B, C, rows, W] above row `until`. Where no tile was, they are zero. */
  take(until: number): Tensor {
    const rows = until - this.#top;
    const cells = rows * this.#width;
    const planes = this.#batch * this.#channels;
    const out = new Float32Array(planes * cells);
    for (let plane = 0; plane < planes; plane++) {
      const start = plane * this.#weight.length;
      for (let i = 0; i < cells; i++) {
        const weight = this.#weight[i] ?? 0;
        if (weight > 0) out[plane * cells + i] = (this.#sum[start + i] ?? 0) / weight;
      }
      this.#sum
        .copyWithin(start, start + cells, start + this.#weight.length)
        .fill(0, start + this.#weight.length - cells, start + this.#weight.length);
    }
    this.#weight.copyWithin(0, cells).fill(0, this.#weight.length - cells);
    this.#top = until;
    return { dims: [this.#batch, this.#channels, rows, this.#width], data: out };
  }
}

function gaussian(side: number): Float64Array {
  const middle = (side - 1) / 2;
  return Float64Array.from({ length: side }, (_, x) => Math.exp(-((x - middle) ** 2) / (2 * WINDOW_VARIANCE * side * side)));
}
