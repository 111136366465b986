import type { SourceInfo } from '../../src/protocol/picture-file.ts';
import { exifSaysPlace, exifWithoutPlace } from './exif.ts';
import { withoutProperties } from './xmp-properties.ts';

/** Coordinates in XMP, whosever property they are: EXIF's, or a drone's. */
const COORDINATES = /:gps/i;

type Said = Pick<SourceInfo, 'exif' | 'xmp'>;

/** Whether metadata tells the coordinates of where a picture was taken. */
export function saysLocation({ exif, xmp }: Said): boolean {
  return (exif !== null && exifSaysPlace(exif)) || (xmp !== null && COORDINATES.test(new TextDecoder().decode(xmp)));
}

/** A source that does not tell the coordinates of where its picture was taken; all else stays, but for EXIF too damaged to take them out. */
export function withoutLocation<S extends Said>(source: S): S {
  const { exif, xmp } = source;
  const rest = exif === null ? null : exifWithoutPlace(exif);
  return { ...source, exif: rest !== null && exifSaysPlace(rest) ? null : rest, xmp: xmp === null ? null : xmpWithoutLocation(xmp) };
}

function xmpWithoutLocation(packet: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const text = new TextDecoder().decode(packet);
  if (!COORDINATES.test(text)) return packet;
  return new TextEncoder().encode(withoutProperties(text, (name, whole) => COORDINATES.test(name) || COORDINATES.test(whole)));
}
