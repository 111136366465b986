import type { Range } from './parse.ts';

/** Height and width in pixels. */
export interface Extent {
  readonly height: number;
  readonly width: number;
}

/** A picture. `rgba8` holds H·W·4 bytes, row by row, alpha not premultiplied. */
export interface Image8 {
  readonly height: number;
  readonly width: number;
  readonly rgba8: Uint8ClampedArray<ArrayBuffer>;
  /** The same in 16 bits, where a result was asked for so deep. */
  readonly rgba16?: Uint16Array<ArrayBuffer>;
}

/** Pixels of a picture that is opened, however long its sides: larger ones are declined from their header alone. */
export const MAX_INPUT_PIXELS = 2 ** 26;

/** What can be asked for, both ends included: whoever reads it from a file, offers it or checks it takes the range from here. */
export const RANGES = {
  scale: { min: 1, max: 4 },
  steps: { min: 1, max: 200 },
  guidance: { min: 0, max: 20 },
  seed: { min: 0, max: 2 ** 32 - 1 },
  /** Of JPEG and WebP. */
  quality: { min: 1, max: 100 },
  /** Of the high band in a mix. */
  gain: { min: 0, max: 3 },
} as const satisfies Readonly<Record<string, Range>>;

export const COLOR_FIXES = ['wavelet', 'adain', 'none'] as const;
export type ColorFix = (typeof COLOR_FIXES)[number];

/** Ancestral DDPM, DDIM, DiffBIR's DDPM spaced over the whole schedule, and UniPC of order 2. */
export const SAMPLERS = ['ddpm', 'ddim', 'spaced-ddpm', 'unipc'] as const;
export type SamplerName = (typeof SAMPLERS)[number];

/** `lr`: start from the noised latent of the upscaled input; `noise`: from noise alone; the others: noised twice (see core/schedulers/start.ts). */
export const START_POINTS = ['lr', 'noise', 'lr-twice', 'lr-twice-legacy'] as const;
export type StartPoint = (typeof START_POINTS)[number];

export const DEPTHS = [8, 16] as const;

/** What alpha is: what is seen through, so that hidden colours mean nothing, or a channel of its own beside them, as in the textures of games. */
export const ALPHA_USES = ['transparency', 'mask'] as const;
export type AlphaUse = (typeof ALPHA_USES)[number];

/** `bands`: decode every step's x0 prediction into low and high band thumbnails; `none`: only count steps. */
export const PREVIEW_MODES = ['bands', 'none'] as const;
export type PreviewMode = (typeof PREVIEW_MODES)[number];

/** Pixels on a side of a latent cell. */
export const CELL_PIXELS = 8;

/** Largest sides of a tile that can be asked for, in latent cells. No plan goes down to the smallest, but a run may whose memory does not suffice. */
export const TILE_CELLS = [128, 96, 64, 32] as const;
export type TileCells = (typeof TILE_CELLS)[number];

/** One model of a run and the id its events carry. */
export interface RunLane {
  readonly runId: string;
  readonly bundleId: string;
}

/** A rectangle of the input, in pixels. */
export interface Region {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Everything but the model that determines a result. The same request gives the same picture on the same model and backend. */
export interface RestoreRequest {
  readonly image: Image8;
  /** Output side over input side. */
  readonly scale: number;
  readonly steps: number;
  /** Classifier-free guidance scale; at 1 and below the negative prompt is not used and a step costs half. */
  readonly guidance: number;
  readonly seed: number;
  readonly sampler: SamplerName;
  readonly startPoint: StartPoint;
  readonly prompt: PromptParts;
  readonly colorFix: ColorFix;
  /** The part of the input to enlarge, as it would be in the whole; null for all of it. */
  readonly region: Region | null;
  /** Bits a channel of the result; 16 keeps what the decoder gave between the levels of 8. */
  readonly depth: (typeof DEPTHS)[number];
  readonly preview: PreviewMode;
  /** Absent: as the picture looks (see core/alpha.ts). */
  readonly alpha?: AlphaUse | undefined;
  /** No piece of a picture is larger than this on a side; null leaves it to the model's own rule and the device's memory. */
  readonly tileCells: TileCells | null;
}

export interface PromptParts {
  /** Tags to use as they are; null lets the tagger choose. */
  readonly tags: readonly string[] | null;
  /** The person's own words. */
  readonly user: string;
  /** Appended quality words. */
  readonly positive: string;
  readonly negative: string;
}
