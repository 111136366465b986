import { absentAs, integer, literal, nullable, object, string } from './parse.ts';
import { type AlphaUse, type Extent, type Image8, RANGES, type Region } from './request.ts';

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
  readonly beyond: Beyond | null;
  /** Pixels in an inch across and down; null where the file does not say. */
  readonly dpi: { readonly x: number; readonly y: number } | null;
  readonly exif: Uint8Array<ArrayBuffer> | null;
  readonly xmp: Uint8Array<ArrayBuffer> | null;
  /** IPTC-IIM, as JPEG and TIFF hold it. */
  readonly iptc: Uint8Array<ArrayBuffer> | null;
  /** A PNG's texts, the studio's own too. */
  readonly texts: readonly CarriedText[];
  /** Whether the metadata tells the coordinates of where the picture was taken. */
  readonly located: boolean;
  /** What its alpha looks like (see core/alpha.ts); null where all is opaque. */
  readonly alpha: AlphaUse | null;
  /** Pages or frames in the file, of which one was read. */
  readonly pages: number;
  /** Sentences for people on what of the file was left out or changed. */
  readonly notices: readonly string[];
}

/**
 * What of a file's colours its picture in sRGB has no room for: its own numbers less those that the picture gives in the space results are written in,
 * in steps of two levels of 16 bits, H·W·bands values. Bands: red, green, blue and, where alpha was deeper than 8 bits, alpha.
 */
export interface Beyond extends Extent {
  readonly bands: 3 | 4;
  readonly levels: Int16Array<ArrayBuffer>;
}

/** A text of a PNG, and its chunk as it stands in the file. */
export interface CarriedText {
  readonly keyword: string;
  readonly text: string;
  readonly chunk: Uint8Array<ArrayBuffer>;
}

/** What a file that says nothing says. */
export function bareSource(format: PictureFormat): SourceInfo {
  const nothing = {
    profile: null,
    icc: null,
    beyond: null,
    dpi: null,
    exif: null,
    xmp: null,
    iptc: null,
    texts: [],
    located: false,
    alpha: null,
    notices: [],
  };
  return { format, depth: 8, pages: 1, ...nothing };
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
  /** Bits per channel of a PNG; `source`: those of the picture's own file. */
  readonly depth: 8 | 16 | 'source';
  /** `strip` leaves out all but pixels and colour profile, the studio's own texts too. */
  readonly metadata: 'keep' | 'strip';
  /** Whether metadata that is kept tells the coordinates of where the picture was taken. */
  readonly location: 'keep' | 'strip';
  /** What shows through in a JPEG where the picture is transparent, as `#rrggbb`; null while nobody said: white. */
  readonly background: string | null;
}

/** What shows through where nobody said. */
export const PAPER = '#ffffff';

/** Bits a channel that a result needs for being saved so; `own`: those of its picture's file, 8 where it is not known. */
export function resultDepth({ format, depth }: Pick<SaveOptions, 'format' | 'depth'>, own: 8 | 16 = 8): 8 | 16 {
  if (format !== 'png') return 8;
  return depth === 'source' ? own : depth;
}

export const DEFAULT_SAVE_OPTIONS: SaveOptions = {
  format: 'png',
  quality: 90,
  depth: 'source',
  metadata: 'keep',
  location: 'strip',
  background: null,
};

/** A colour as `#rrggbb`. */
export const HEX_COLOUR = /^#[0-9a-f]{6}$/;

/** Reads save options from JSON. */
export const saveOptions = object({
  format: literal(...SAVE_FORMATS),
  quality: integer(RANGES.quality),
  depth: literal(8, 16, 'source'),
  metadata: literal('keep', 'strip'),
  location: absentAs('strip', literal('keep', 'strip')),
  background: absentAs(null, nullable(string(HEX_COLOUR))),
});

/** A picture and all that goes into its file. */
export interface PictureToSave {
  /** sRGB; its 16 bits are used where they are asked for. */
  readonly image: Image8;
  /** Of the file it was made from: its profile is written in, its metadata kept as the options say. Null for a picture without one. */
  readonly source: SourceInfo | null;
  /** The part of the source's picture that this is; absent or null for all of it. */
  readonly region?: Region | null;
  readonly options: SaveOptions;
  /** The studio's texts by keyword, ASCII. */
  readonly texts: Readonly<Record<string, string>>;
}

/** Longest sides the formats have room for. */
const MAX_SIDE: Readonly<Record<SaveFormat, number>> = { png: 2 ** 31 - 1, jpeg: 65_500, webp: 16_383 };

/** Why a format has no room for a picture, for people, with what would fit; null where it has. `scale`: what the picture was enlarged by, where less would do. */
export function formatRefusal(format: SaveFormat, { height, width }: Extent, scale = 1): string | null {
  const [side, most] = [Math.max(height, width), MAX_SIDE[format]];
  if (side <= most) return null;
  const smaller = Math.floor((scale * most) / side);
  const others = SAVE_FORMATS.filter((other) => side <= MAX_SIDE[other]).map((other) => other.toUpperCase());
  const remedy = `${smaller >= 1 ? `×${smaller} would fit, or s` : 'S'}ave as ${others.join(' or ')}`;
  return `${width}×${height} is more than a ${format.toUpperCase()} file has room for, ${most} pixels a side. ${remedy}.`;
}

/** The file name's ending of a format. */
export const FILE_ENDINGS: Readonly<Record<SaveFormat, string>> = { png: 'png', jpeg: 'jpg', webp: 'webp' };
