import { integer, literal, object } from './parse.ts';
import { type Image8, RANGES } from './request.ts';

/** The formats a picture is read from. */
export type PictureFormat = 'png' | 'jpeg' | 'webp' | 'avif' | 'gif' | 'bmp' | 'tiff';

/** What a file said besides its pixels. */
export interface SourceInfo {
  readonly format: PictureFormat;
  /** Bits per channel as stored, up to 8 or more. */
  readonly depth: 8 | 16;
  /** The name of its colour profile; null without one. */
  readonly profile: string | null;
  /** An RGB profile that results can be written in; null without one, and for profiles of grey or CMYK. */
  readonly icc: Uint8Array<ArrayBuffer> | null;
  readonly exif: Uint8Array<ArrayBuffer> | null;
  readonly xmp: Uint8Array<ArrayBuffer> | null;
}

/** A decoded file: sRGB pixels, upright. */
export interface OpenedPicture {
  readonly image: Image8;
  readonly source: SourceInfo;
}

export const SAVE_FORMATS = ['png', 'jpeg', 'webp'] as const;
export type SaveFormat = (typeof SAVE_FORMATS)[number];

/** How a result is written. */
export interface SaveOptions {
  readonly format: SaveFormat;
  /** Of JPEG and WebP. */
  readonly quality: number;
  /** Bits per channel of a PNG. */
  readonly depth: 8 | 16;
  /** `strip` leaves out all but pixels and colour profile, the studio's own texts too. */
  readonly metadata: 'keep' | 'strip';
}

/** Bits a channel that a result needs for being saved so. */
export function resultDepth({ format, depth }: Pick<SaveOptions, 'format' | 'depth'>): 8 | 16 {
  return format === 'png' ? depth : 8;
}

export const DEFAULT_SAVE_OPTIONS: SaveOptions = { format: 'png', quality: 90, depth: 8, metadata: 'keep' };

/** Reads save options from JSON. */
export const saveOptions = object({
  format: literal(...SAVE_FORMATS),
  quality: integer(RANGES.quality),
  depth: literal(8, 16),
  metadata: literal('keep', 'strip'),
});

/** A picture and all that goes into its file. */
export interface PictureToSave {
  /** sRGB; its 16 bits are used where they are asked for. */
  readonly image: Image8;
  /** Of the file it was made from: its profile is written in, its metadata kept as the options say. Null for a picture without one. */
  readonly source: SourceInfo | null;
  readonly options: SaveOptions;
  /** The studio's texts by keyword, ASCII. */
  readonly texts: Readonly<Record<string, string>>;
}

/** The file name's ending of a format. */
export const FILE_ENDINGS: Readonly<Record<SaveFormat, string>> = { png: 'png', jpeg: 'jpg', webp: 'webp' };
