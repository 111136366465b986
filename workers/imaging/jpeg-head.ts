import { jpegHead } from './jpeg-segments.ts';
import { md5 } from './md5.ts';
import { xmpProperties } from './xmp-properties.ts';

const [APP0, APP1] = [0xe0, 0xe1] as const;
const MAIN = 'http://ns.adobe.com/xap/1.0/\0';
const EXTENSION = 'http://ns.adobe.com/xmp/extension/\0';
const EXIF = 'Exif\0';
/** Of an extended packet: its name, its length, and where in it a part stands. */
const EXTENSION_HEAD_BYTES = EXTENSION.length + 32 + 4 + 4;
/** What one segment holds beside its length. */
const SEGMENT_BYTES = 65_533;
/** No description of a picture is longer. */
const MAX_BYTES = 2 ** 24;
const NOTE = 'xmlns:xmpNote="http://ns.adobe.com/xmp/note/"';
const END = '</rdf:RDF>';
const WRAPPER = [
  '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">',
  `${END}</x:xmpmeta>`,
] as const;

/** The XMP of a JPEG, its extended packet (XMP part 3, 1.1.3.1) put into the main one; null without any. */
export function jpegXmp(bytes: Uint8Array): Uint8Array<ArrayBuffer> | null {
  let main: string | null = null;
  const parts = new Map<string, Uint8Array>();
  for (const { marker, data } of jpegHead(bytes)) {
    if (marker !== APP1) continue;
    if (begins(data, MAIN)) main ??= new TextDecoder().decode(data.subarray(MAIN.length));
    if (!begins(data, EXTENSION) || data.length < EXTENSION_HEAD_BYTES) continue;
    const guid = new TextDecoder('latin1').decode(data.subarray(EXTENSION.length, EXTENSION.length + 32));
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const [length, at] = [view.getUint32(EXTENSION.length + 32), view.getUint32(EXTENSION.length + 36)];
    const part = data.subarray(EXTENSION_HEAD_BYTES);
    if (length > MAX_BYTES || at + part.length > length) continue;
    const whole = parts.get(guid) ?? new Uint8Array(length);
    if (at + part.length <= whole.length) whole.set(part, at);
    parts.set(guid, whole);
  }
  if (main === null) return null;
  const extended = parts.get(/HasExtendedXMP(?:="|='|>)\s{0,8}([0-9A-Fa-f]{32})/.exec(main)?.[1] ?? '');
  const text = extended === undefined ? main : merged(main, new TextDecoder().decode(extended));
  return new TextEncoder().encode(text);
}

/** The descriptions of an extended packet at the end of the main one, which does not point to it any more. */
function merged(main: string, extended: string): string {
  const [from, to, at] = [extended.indexOf('<rdf:Description'), extended.lastIndexOf(END), main.lastIndexOf(END)];
  if (from < 0 || to < from || at < 0) return main;
  const plain = `${main.slice(0, at)}${extended.slice(from, to)}${main.slice(at)}`;
  return plain.replace(/\s?xmpNote:HasExtendedXMP=(?:"[0-9A-Fa-f]{32}"|'[0-9A-Fa-f]{32}')/, '');
}

/** A JPEG's parts with its resolution, where no EXIF says it, and with an XMP packet behind its EXIF: in one segment, or what that has no room for as extended XMP. */
export function withJpegHead(
  parts: readonly Uint8Array<ArrayBuffer>[],
  dpi: { readonly x: number; readonly y: number },
  packet: Uint8Array | null,
): readonly Uint8Array<ArrayBuffer>[] {
  const jpeg = joined(parts);
  let place = 2;
  for (const { marker, data, start } of jpegHead(jpeg)) {
    if (marker !== APP0 && !(marker === APP1 && begins(data, EXIF))) break;
    place = start + 4 + data.length;
  }
  const jfif = place === 2 ? [jfifSegment(dpi)] : [];
  return [jpeg.subarray(0, place), ...jfif, ...(packet === null ? [] : xmpSegments(packet)), jpeg.subarray(place)];
}

/** JFIF 1.1, no thumbnail; dots per inch. */
function jfifSegment({ x, y }: { readonly x: number; readonly y: number }): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array([1, 1, 1, 0, 0, 0, 0, 0, 0]);
  const view = new DataView(data.buffer);
  view.setUint16(3, Math.max(1, Math.min(65_535, Math.round(x))));
  view.setUint16(5, Math.max(1, Math.min(65_535, Math.round(y))));
  return segment(APP0, ascii('JFIF\0'), data);
}

function xmpSegments(packet: Uint8Array): readonly Uint8Array<ArrayBuffer>[] {
  if (packet.length <= SEGMENT_BYTES - MAIN.length) return [segment(APP1, ascii(MAIN), packet)];
  const { main, extended } = split(new TextDecoder().decode(packet));
  const rest = new TextEncoder().encode(extended);
  const guid = md5(rest);
  const noted = main.replace('<rdf:Description', `<rdf:Description ${NOTE} xmpNote:HasExtendedXMP="${guid}"`);
  const segments = [segment(APP1, ascii(MAIN), new TextEncoder().encode(noted))];
  const room = SEGMENT_BYTES - EXTENSION_HEAD_BYTES;
  for (let at = 0; at < rest.length; at += room) {
    const head = new Uint8Array(EXTENSION_HEAD_BYTES);
    head.set(ascii(EXTENSION + guid));
    const view = new DataView(head.buffer);
    view.setUint32(EXTENSION.length + 32, rest.length);
    view.setUint32(EXTENSION.length + 36, at);
    segments.push(segment(APP1, head, rest.subarray(at, at + room)));
  }
  return segments;
}

/** The largest properties apart from the rest, until that fits one segment. */
function split(packet: string): { readonly main: string; readonly extended: string } {
  const bytes = (text: string): number => new TextEncoder().encode(text).length;
  const properties = xmpProperties(packet).map((property) => ({ ...property, bytes: bytes(packet.slice(property.start, property.end)) }));
  let left = bytes(packet);
  const moved = new Set<number>();
  // the note takes room too
  for (const { start, bytes: size } of properties.toSorted((a, b) => b.bytes - a.bytes)) {
    if (left <= SEGMENT_BYTES - MAIN.length - 256) break;
    moved.add(start);
    left -= size;
  }
  let main = '';
  let out = '';
  let from = 0;
  for (const { start, end } of properties) {
    if (!moved.has(start)) continue;
    main += packet.slice(from, start);
    out += packet.slice(start, end);
    from = end;
  }
  // the studio's own namespace tells its descriptions from others: none is bound that is not used
  const bound = [...new Set(packet.match(/xmlns:[\w-]{1,64}="[^"<]{1,256}"/g) ?? [])];
  const namespaces = bound.filter(
    (text) => !text.startsWith('xmlns:rdf=') && out.includes(`${text.slice('xmlns:'.length, text.indexOf('='))}:`),
  );
  const description = `<rdf:Description rdf:about="" ${namespaces.join(' ')}>${out}</rdf:Description>`;
  return { main: main + packet.slice(from), extended: `${WRAPPER[0]}${description}${WRAPPER[1]}` };
}

function segment(marker: number, head: Uint8Array, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4 + head.length + data.length);
  bytes.set([0xff, marker]);
  new DataView(bytes.buffer).setUint16(2, bytes.length - 2);
  bytes.set(head, 4);
  bytes.set(data, 4 + head.length);
  return bytes;
}

function joined(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function begins(data: Uint8Array, text: string): boolean {
  return ascii(text).every((byte, i) => data[i] === byte);
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
