import { emptyPicture, pasteRows } from '../core/picture.ts';
import type { Extent, Image8 } from '../protocol/request.ts';

/** Pictures by id, outside the store: least recently used out first once they pass the byte budget. */
export interface Frames {
  put(id: string, image: Image8): void;
  /**
   * Fills a picture of the given size from top to bottom, beginning with row 0; where it is not filled yet it is transparent. It stays,
   * whatever the budget, until it is released or dropped: it is nowhere else yet.
   */
  putRows(id: string, whole: Extent, top: number, rows: Image8): void;
  /** A picture that was filled may go once the budget asks for it. */
  release(id: string): void;
  get(id: string): Image8 | undefined;
  /** Every picture whose id starts with `prefix`. */
  under(prefix: string): readonly (readonly [id: string, image: Image8])[];
  /** Removes them. */
  drop(prefix: string): void;
  readonly sizeBytes: number;
}

export function createFrames(budgetBytes: number): Frames {
  // insertion order is use order
  const images = new Map<string, Image8>();
  const held = new Set<string>();
  let sizeBytes = 0;

  function remove(id: string): void {
    const image = images.get(id);
    if (image !== undefined) sizeBytes -= bytesOf(image);
    images.delete(id);
  }

  function put(id: string, image: Image8): void {
    remove(id);
    images.set(id, image);
    sizeBytes += bytesOf(image);
    for (const oldest of [...images.keys()]) {
      if (sizeBytes <= budgetBytes || oldest === id) break;
      if (!held.has(oldest)) remove(oldest);
    }
  }

  return {
    put,
    putRows(id, whole, top, rows) {
      const begun = top === 0 ? emptyPicture(whole, rows.rgba16 === undefined ? 8 : 16) : images.get(id);
      if (begun === undefined) throw new RangeError(`expected rows of ${id} from row 0, got row ${top}`);
      pasteRows(begun, top, rows);
      held.add(id);
      // a new object over the same pixels: whoever draws it sees that it changed
      put(id, { ...begun });
    },
    release: (id) => void held.delete(id),
    get(id) {
      const image = images.get(id);
      if (image !== undefined) {
        images.delete(id);
        images.set(id, image);
      }
      return image;
    },
    under(prefix) {
      return [...images].filter(([id]) => id.startsWith(prefix));
    },
    drop(prefix) {
      for (const id of [...images.keys()].filter((known) => known.startsWith(prefix))) {
        held.delete(id);
        remove(id);
      }
    },
    get sizeBytes() {
      return sizeBytes;
    },
  };
}

function bytesOf({ rgba8, rgba16 }: Image8): number {
  return rgba8.byteLength + (rgba16?.byteLength ?? 0);
}

export type StepLayer = 'x0' | 'low' | 'high';

/** How the ids of pictures from the full decoder end. */
export const FULL = '-full';

/** Where a step's picture is kept; `full` ones come from the full decoder. */
export function stepFrameId(runId: string, index: number, layer: StepLayer, full = false): string {
  return `${runId}/step-${index}/${layer}${full ? FULL : ''}`;
}

export function resultFrameId(runId: string): string {
  return `${runId}/result`;
}

/** What the first stage made of the input, in families that have one. */
export function firstStageFrameId(runId: string): string {
  return `${runId}/first-stage`;
}

export function inputFrameId(runId: string): string {
  return `${runId}/input`;
}

export const REFERENCE_FRAME_ID = 'reference';

/** The decoded picture of an item. */
export function pictureFrameId(itemId: string): string {
  return `${itemId}/picture`;
}
