import { emptyPicture, pasteRows } from '../core/picture.ts';
import type { Extent, Image8 } from '../protocol/request.ts';

/**
 * Pictures by id, outside the store: least recently used out first once they pass the byte budget, but for those that are held or on
 * screen. Pixels that several ids share count once.
 */
export interface Frames {
  put(id: string, image: Image8): void;
  /**
   * Fills a picture of the given size from top to bottom, beginning with row 0; where it is not filled yet it is transparent. It is held:
   * it is nowhere else yet.
   */
  putRows(id: string, whole: Extent, top: number, rows: Image8): void;
  /** A picture, or one to come, stays from now on, whatever the budget, until it is released or dropped. */
  hold(id: string): void;
  /** A picture that was held may go once the budget asks for it. */
  release(id: string): void;
  get(id: string): Image8 | undefined;
  /** Every picture whose id starts with `prefix`. */
  under(prefix: string): readonly (readonly [id: string, image: Image8])[];
  /** Removes them. */
  drop(prefix: string): void;
  readonly sizeBytes: number;
}

/** Pictures within a budget; `onScreen` gives the ids that are looked at now. */
export function createFrames(budgetBytes: number, onScreen: () => readonly string[]): Frames {
  // insertion order is use order
  const images = new Map<string, Image8>();
  const held = new Set<string>();
  /** How many ids share some pixels. */
  const sharing = new Map<Pixels, number>();
  let sizeBytes = 0;

  function remove(id: string): void {
    for (const pixels of pixelsOf(images.get(id))) {
      const others = (sharing.get(pixels) ?? 0) - 1;
      if (others > 0) {
        sharing.set(pixels, others);
      } else {
        sharing.delete(pixels);
        sizeBytes -= pixels.byteLength;
      }
    }
    images.delete(id);
  }

  function put(id: string, image: Image8): void {
    remove(id);
    images.set(id, image);
    for (const pixels of pixelsOf(image)) {
      const others = sharing.get(pixels) ?? 0;
      if (others === 0) sizeBytes += pixels.byteLength;
      sharing.set(pixels, others + 1);
    }
    if (sizeBytes > budgetBytes) makeRoom(id);
  }

  function makeRoom(newest: string): void {
    const staying = new Set([newest, ...held, ...onScreen()]);
    for (const oldest of [...images.keys()]) {
      if (sizeBytes <= budgetBytes) return;
      if (!staying.has(oldest)) remove(oldest);
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
    hold: (id) => void held.add(id),
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
      for (const id of [...images.keys(), ...held].filter((known) => known.startsWith(prefix))) {
        held.delete(id);
        remove(id);
      }
    },
    get sizeBytes() {
      return sizeBytes;
    },
  };
}

type Pixels = Image8['rgba8'] | NonNullable<Image8['rgba16']>;

function pixelsOf(image: Image8 | undefined): readonly Pixels[] {
  if (image === undefined) return [];
  const { rgba8, rgba16 } = image;
  return rgba16 === undefined ? [rgba8] : [rgba8, rgba16];
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

/** What stands before the first step: the input, and what the first stage made of it. */
export type Front = 'input' | 'first-stage';

/** Where a band of what stands before the first step is kept, at the size of the steps' previews. */
export function frontFrameId(runId: string, front: Front, layer: 'low' | 'high'): string {
  return `${runId}/front-${front}/${layer}`;
}

export function inputFrameId(runId: string): string {
  return `${runId}/input`;
}

/** A run's input at the size of its result, bicubic. */
export function bicubicFrameId(runId: string): string {
  return `${runId}/bicubic`;
}

export const REFERENCE_FRAME_ID = 'reference';

/** The decoded picture of an item. */
export function pictureFrameId(itemId: string): string {
  return `${itemId}/picture`;
}
