import { type Area, areaWithin, checkInside, type Extent, growArea, isInside, wholeArea } from './area.ts';
import { cropPicture, emptyPicture, pasteRows, type Rgba8, toPicture, toPlanes } from './picture.ts';
import { checkSides, type ResizeFilter, Resizer } from './resize.ts';
import { cropPlanes, type Tensor } from './tensor.ts';

/** A picture of any size, computed where it is read: what is never read whole need never be held whole. */
export interface PictureSource extends Extent {
  /** The pixels of an area. Throws RangeError for one that is not inside. */
  read(area: Area): Promise<Rgba8>;
}

/** Colour planes of any size, computed where they are read. */
export interface PlaneSource extends Extent {
  /** The planes [1, 3, H, W] of an area. Throws RangeError for one that is not inside. */
  read(area: Area): Promise<Tensor>;
}

/** A picture that is there. */
export function pictureSource(picture: Rgba8): PictureSource {
  const { height, width } = picture;
  return { height, width, read: async (area) => cropPicture(picture, area) };
}

/** A picture of which an area is computed now, strip by strip, and kept: whoever reads inside of it again and again finds it there. */
export async function keptPicture(source: PictureSource, area: Area): Promise<PictureSource> {
  const kept = emptyPicture(area);
  for (const strip of stripsOf(area)) pasteRows(kept, strip.top - area.top, await source.read(strip));
  const { height, width } = source;
  const read = async (wanted: Area): Promise<Rgba8> =>
    isInside(wanted, area) ? cropPicture(kept, areaWithin(wanted, area)) : source.read(wanted);
  return { height, width, read };
}

/** A picture at another size, as `resizePicture` gives it. */
export function resized(source: PictureSource, { height, width }: Extent, filter: ResizeFilter): PictureSource {
  checkSides(height, width);
  if (height === source.height && width === source.width) return source;
  const resizer = new Resizer(source, { height, width }, filter);
  return { height, width, read: async (area) => resizer.apply(await source.read(resizer.needed(area)), area) };
}

/** Planes at another size: the weights of `resizePicture` without its rounding. */
export function resizedPlanes(source: PlaneSource, { height, width }: Extent, filter: ResizeFilter): PlaneSource {
  checkSides(height, width);
  if (height === source.height && width === source.width) return source;
  const resizer = new Resizer(source, { height, width }, filter);
  return { height, width, read: async (area) => resizer.applyToPlanes(await source.read(resizer.needed(area)), area) };
}

/** Colour of a picture as planes, value · gain + offset with value in 0…1. */
export function colourOf(source: PictureSource, gain = 1, offset = 0): PlaneSource {
  const { height, width } = source;
  return { height, width, read: async (area) => toPlanes(await source.read(area), gain, offset) };
}

/** Planes rgb01 as an opaque picture. */
export function pictureOf(source: PlaneSource): PictureSource {
  const { height, width } = source;
  return { height, width, read: async (area) => toPicture(await source.read(area)) };
}

/** Every value changed on its own. */
export function mapped(source: PlaneSource, change: (planes: Tensor) => Tensor): PlaneSource {
  const { height, width } = source;
  return { height, width, read: async (area) => change(await source.read(area)) };
}

/** The top left. Throws RangeError for a larger size. */
export function cropped<S extends PictureSource | PlaneSource>(source: S, { height, width }: Extent): S {
  checkInside({ top: 0, left: 0, height, width }, source);
  return { ...source, height, width, read: (area: Area) => source.read(area) };
}

/** Up to a size, filled at the right and bottom with zeros or with the last column and row. Throws RangeError for a smaller one. */
export function padded(source: PlaneSource, to: Extent, fill: 'zeros' | 'edge'): PlaneSource {
  checkInside(wholeArea(source), to);
  return {
    height: to.height,
    width: to.width,
    async read(area) {
      checkInside(area, to);
      // an area all in the padding still takes its edge from the picture
      const top = Math.min(area.top, source.height - 1);
      const left = Math.min(area.left, source.width - 1);
      const height = Math.max(1, Math.min(source.height, area.top + area.height) - top);
      const width = Math.max(1, Math.min(source.width, area.left + area.width) - left);
      const there = await source.read({ top, left, height, width });
      return padPlanes(there, area, { top: area.top - top, left: area.left - left }, fill);
    },
  };
}

/** `planes` continued over `area`, whose top left lies at `offset` in them. */
function padPlanes(planes: Tensor, area: Extent, offset: { readonly top: number; readonly left: number }, fill: 'zeros' | 'edge'): Tensor {
  const [, channels = 0, height = 0, width = 0] = planes.dims;
  const out = new Float32Array(channels * area.height * area.width);
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < area.height; y++) {
      const row = y + offset.top;
      if (row >= height && fill === 'zeros') continue;
      const from = (c * height + Math.min(row, height - 1)) * width;
      const to = (c * area.height + y) * area.width;
      const there = Math.max(0, Math.min(area.width, width - offset.left));
      out.set(planes.data.subarray(from + offset.left, from + offset.left + there), to);
      if (fill === 'edge') out.fill(planes.data[from + width - 1] ?? 0, to + there, to + area.width);
    }
  }
  return { dims: [1, channels, area.height, area.width], data: out };
}

/** Computes the last area read only once: stages that ask for one strip in turn share it. */
export function remembered(source: PlaneSource): PlaneSource {
  let last: { readonly key: string; readonly planes: Promise<Tensor> } | null = null;
  return {
    height: source.height,
    width: source.width,
    read(area) {
      const key = `${area.top},${area.left},${area.height},${area.width}`;
      if (last?.key !== key) {
        const planes = source.read(area);
        last = { key, planes };
        planes.catch(() => {
          last = null;
        });
      }
      return last.planes;
    },
  };
}

/** Planes whose every value depends on others up to `margin` pixels away: `change` is given so much more around, where there is more. */
export function withMargin(source: PlaneSource, margin: number, change: (planes: Tensor, area: Area) => Promise<Tensor>): PlaneSource {
  const { height, width } = source;
  return {
    height,
    width,
    async read(area) {
      const outer = growArea(area, margin, source);
      return cropPlanes(await change(await source.read(outer), outer), areaWithin(area, outer));
    },
  };
}

/** Values of −½…1½ in 65536 levels: 1/128 of an 8-bit level, for half of what float32 takes. */
const STORE_GAIN = 2 ** 15;

/** Planes [1, 3, H, W] kept in 16 bits: written once, read in any areas. Nominally rgb01; held within −½…1½. */
export class PlaneStore implements PlaneSource {
  readonly height: number;
  readonly width: number;
  readonly #levels: Uint16Array;

  constructor({ height, width }: Extent) {
    this.height = height;
    this.width = width;
    this.#levels = new Uint16Array(3 * height * width);
  }

  write(planes: Tensor, area: Area): void {
    checkInside(area, this);
    this.#rows(area, (from, to) => {
      for (let x = 0; x < area.width; x++) {
        const level = ((planes.data[from + x] ?? 0) + 0.5) * STORE_GAIN;
        this.#levels[to + x] = Math.max(0, Math.min(65535, Math.round(level)));
      }
    });
  }

  async read(area: Area): Promise<Tensor> {
    checkInside(area, this);
    const data = new Float32Array(3 * area.height * area.width);
    this.#rows(area, (to, from) => {
      for (let x = 0; x < area.width; x++) data[to + x] = (this.#levels[from + x] ?? 0) / STORE_GAIN - 0.5;
    });
    return { dims: [1, 3, area.height, area.width], data };
  }

  /** Where each row of an area begins: in planes of the area's size, and here. */
  #rows(area: Area, each: (inArea: number, here: number) => void): void {
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < area.height; y++) {
        each((c * area.height + y) * area.width, (c * this.height + area.top + y) * this.width + area.left);
      }
    }
  }
}

/** Pixels a strip may hold: what is computed of a picture at a time. */
export const STRIP_PIXELS = 2 ** 22;

/** An area in strips from top to bottom, each of a multiple of `multipleOf` rows but for the last. */
export function stripsOf({ top, left, height, width }: Area, multipleOf = 1, pixels = STRIP_PIXELS): Area[] {
  const rows = Math.max(1, Math.floor(pixels / width / multipleOf)) * multipleOf;
  const strips: Area[] = [];
  for (let from = 0; from < height; from += rows) strips.push({ top: top + from, left, height: Math.min(rows, height - from), width });
  return strips;
}
