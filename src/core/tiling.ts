import type { Tensor } from './tensor.ts';

/** A rectangle of latent cells. */
export interface Tile {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Sides of tiles are multiples of this many cells, which every graph accepts. */
const TILE_MULTIPLE = 8;

/**
 * Tiles of at most `tile` × `tile` cells that cover height × width, row by row, neighbours overlapping by at least `overlap`; the last row and
 * column are moved back to end at the border (SeeSR and PASD, test_seesr.py). As few as will do, and no larger than so many need be: tiles of
 * full size would compute much twice. Throws RangeError unless 0 ≤ overlap < tile.
 */
export function overlappingTiles(height: number, width: number, tile: number, overlap: number): Tile[] {
  if (!(overlap >= 0 && overlap < tile)) throw new RangeError(`expected an overlap of 0 … ${tile - 1} cells, got ${overlap}`);
  const [rows, columns] = [tileSide(height, tile, overlap), tileSide(width, tile, overlap)];
  return starts(height, rows, tile - overlap).flatMap((top) =>
    starts(width, columns, tile - overlap).map((left) => ({ top, left, height: rows, width: columns })),
  );
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
  readonly inner: Tile;
  readonly outer: Tile;
}

/** Parts of at most `side` × `side` cells that divide height × width, each with up to `halo` cells more on every side. */
export function partsWithHalo(height: number, width: number, side: number, halo: number): Part[] {
  const parts: Part[] = [];
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) {
      const inner = { top, left, height: Math.min(side, height - top), width: Math.min(side, width - left) };
      const [outerTop, outerLeft] = [Math.max(0, top - halo), Math.max(0, left - halo)];
      const outer = {
        top: outerTop,
        left: outerLeft,
        height: Math.min(height, top + inner.height + halo) - outerTop,
        width: Math.min(width, left + inner.width + halo) - outerLeft,
      };
      parts.push({ inner, outer });
    }
  }
  return parts;
}

/** The same rectangle where every cell is `scale` × `scale` pixels. */
export function scaleTile({ top, left, height, width }: Tile, scale: number): Tile {
  return { top: top * scale, left: left * scale, height: height * scale, width: width * scale };
}

/** A rectangle of the last two axes of [B, C, H, W], as a new tensor. Throws RangeError for one that is not inside. */
export function cropTile({ dims, data }: Tensor, { top, left, height, width }: Tile): Tensor {
  const [batch = 0, channels = 0, rows = 0, columns = 0] = dims;
  if (top < 0 || left < 0 || top + height > rows || left + width > columns) {
    throw new RangeError(`expected a tile inside ${rows}×${columns}, got ${height}×${width} at ${top}, ${left}`);
  }
  const out = new Float32Array(batch * channels * height * width);
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < height; y++) {
      const from = (plane * rows + top + y) * columns + left;
      out.set(data.subarray(from, from + width), (plane * height + y) * width);
    }
  }
  return { dims: [batch, channels, height, width], data: out };
}

/** Writes `part`, or the rectangle `from` of it, into `whole` at `to`, which has the size of `from`. */
export function pasteTile(whole: Tensor, to: Tile, part: Tensor, from: Tile): void {
  const [batch = 0, channels = 0, rows = 0, columns = 0] = whole.dims;
  const [, , partRows = 0, partColumns = 0] = part.dims;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < to.height; y++) {
      const start = (plane * partRows + from.top + y) * partColumns + from.left;
      whole.data.set(part.data.subarray(start, start + to.width), (plane * rows + to.top + y) * columns + to.left);
    }
  }
}

/** Variance of the blending window, of the tile's side squared (SeeSR, PASD and DiffBIR's newer code alike). */
const WINDOW_VARIANCE = 0.01;

/** Overlapping tiles, blended by a separable Gaussian window. It is symmetric; SeeSR's own is half a cell off in one direction. */
export class TileBlend {
  readonly #sum: Float32Array<ArrayBuffer>;
  readonly #weight: Float32Array<ArrayBuffer>;
  readonly #dims: readonly [batch: number, channels: number, height: number, width: number];

  constructor(dims: readonly [number, number, number, number]) {
    const [batch, channels, height, width] = dims;
    this.#dims = dims;
    this.#sum = new Float32Array(batch * channels * height * width);
    this.#weight = new Float32Array(height * width);
  }

  /** Adds what was computed for a rectangle. */
  add({ top, left, height, width }: Tile, { data }: Tensor): void {
    const [batch, channels, rows, columns] = this.#dims;
    const [vertical, horizontal] = [gaussian(height), gaussian(width)];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const weight = (vertical[y] ?? 0) * (horizontal[x] ?? 0);
        const at = (top + y) * columns + left + x;
        this.#weight[at] = (this.#weight[at] ?? 0) + weight;
        for (let plane = 0; plane < batch * channels; plane++) {
          const to = plane * rows * columns + at;
          this.#sum[to] = (this.#sum[to] ?? 0) + weight * (data[(plane * height + y) * width + x] ?? 0);
        }
      }
    }
  }

  /** The blended whole. Throws RangeError where a cell was never covered. */
  result(): Tensor {
    const [batch, channels, rows, columns] = this.#dims;
    const out = new Float32Array(this.#sum.length);
    for (let i = 0; i < rows * columns; i++) {
      const weight = this.#weight[i] ?? 0;
      if (weight === 0) throw new RangeError(`expected tiles that cover row ${Math.floor(i / columns)}, column ${i % columns}`);
      for (let plane = 0; plane < batch * channels; plane++) {
        const at = plane * rows * columns + i;
        out[at] = (this.#sum[at] ?? 0) / weight;
      }
    }
    return { dims: this.#dims, data: out };
  }
}

function gaussian(side: number): Float64Array {
  const middle = (side - 1) / 2;
  return Float64Array.from({ length: side }, (_, x) => Math.exp(-((x - middle) ** 2) / (2 * WINDOW_VARIANCE * side * side)));
}
