import type { CarriedText } from '../../src/protocol/picture-file.ts';
import type { Extent, Region } from '../../src/protocol/request.ts';
import { escapeXml, iptcProperties, xmpElement } from './iptc.ts';
import { prefixesOf, withoutProperties } from './xmp-properties.ts';

/** Namespace of the studio's texts in XMP. */
const NAMESPACE = 'urn:rfsr-studio:texts';
const OWN = `xmlns:studio="${NAMESPACE}"`;
const [OPEN, CLOSE] = ['<rdf:Description', '</rdf:Description>'] as const;
/** No description of a picture is longer. */
const MAX_BYTES = 2 ** 24;
const EMPTY =
  '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">' +
  '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta><?xpacket end="w"?>';
const END = '</rdf:RDF>';
/** Of panoramas, and of faces. */
const PANORAMA = 'http://ns.google.com/photos/1.0/panorama/';
const REGIONS = 'http://www.metadataworkinggroup.com/schemas/regions/';
const STANDARD =
  'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:texts="urn:rfsr-studio:carried"';

/** Where PNG's own keywords stand in XMP. */
const KEYWORDS: Readonly<Record<string, readonly [name: string, kind: 'Alt' | 'Seq']>> = {
  Title: ['dc:title', 'Alt'],
  Author: ['dc:creator', 'Seq'],
  Description: ['dc:description', 'Alt'],
  Copyright: ['dc:rights', 'Alt'],
};

/** What a result's packet is made of. */
export interface XmpContent {
  /** Of the file it was made from; null without one. */
  readonly packet: Uint8Array | null;
  /** The studio's texts by keyword. */
  readonly texts: Readonly<Record<string, string>>;
  /** A PNG's texts and IPTC, for formats that have no other place for them. */
  readonly carried: readonly CarriedText[];
  readonly iptc: Uint8Array | null;
  readonly size: Extent;
  readonly region: Region | null;
}

/**
 * An XMP packet with the studio's texts, on top of a file's own packet where it has one: what that says of size and orientation is put
 * right, texts of the studio that it carried are replaced, what was said elsewhere is added where it says nothing of it; one beyond 16 MiB is
 * left out. Null when nothing is left to say.
 */
export function xmpWith({ packet, texts, carried, iptc, size, region }: XmpContent): Uint8Array | null {
  const own = packet === null || packet.length > MAX_BYTES ? '' : withoutOwn(new TextDecoder().decode(packet));
  const known = own.includes(END);
  const base = known ? ofNewSize(own, size, region) : EMPTY;
  const entries = Object.entries(texts).map(([keyword, text]) => `<studio:${keyword}>${escapeXml(text)}</studio:${keyword}>`);
  const added = [...saidElsewhere(carried, iptc)].filter(([name]) => !says(base, name)).map(([, element]) => element);
  if (!known && entries.length + added.length === 0) return null;
  const descriptions = [
    ...(added.length === 0 ? [] : [`<rdf:Description rdf:about="" ${STANDARD}>${added.join('')}</rdf:Description>`]),
    ...(entries.length === 0 ? [] : [`<rdf:Description rdf:about="" ${OWN}>${entries.join('')}</rdf:Description>`]),
  ];
  const at = base.lastIndexOf(END);
  return new TextEncoder().encode(base.slice(0, at) + descriptions.join('') + base.slice(at));
}

/** Elements by their names: IPTC, then a PNG's texts, those without a place in XMP in one list. */
function saidElsewhere(carried: readonly CarriedText[], iptc: Uint8Array | null): ReadonlyMap<string, string> {
  const elements = new Map(iptc === null ? [] : iptcProperties(iptc));
  for (const { keyword, text } of carried) {
    const place = KEYWORDS[keyword];
    if (place !== undefined && text !== '') elements.set(place[0], xmpElement(place[0], place[1], [text]));
  }
  const others = carried.filter(({ keyword, text }) => KEYWORDS[keyword] === undefined && text !== '');
  if (others.length > 0)
    elements.set(
      'texts:png',
      xmpElement(
        'texts:png',
        'Bag',
        others.map(({ keyword, text }) => `${keyword}: ${text}`),
      ),
    );
  return elements;
}

/** Whether a packet has a property already, as an element or an attribute. */
function says(packet: string, name: string): boolean {
  return packet.includes(`<${name}>`) || packet.includes(`<${name} `) || packet.includes(` ${name}="`);
}

/** A packet whose picture has other sides: what is said in pixels is put right, or goes where a region is shown. */
function ofNewSize(packet: string, { height, width }: Extent, region: Region | null): string {
  const facts = { Orientation: 1, ImageWidth: width, ImageLength: height, PixelXDimension: width, PixelYDimension: height };
  let text = packet;
  for (const [name, value] of Object.entries(facts)) {
    text = text.replaceAll(new RegExp(`((?:tiff|exif):${name}(?:="|>))\\d+`, 'g'), `$1${value}`);
  }
  const panorama = new Set(prefixesOf(text, PANORAMA));
  const regions = new Set(prefixesOf(text, REGIONS));
  if (panorama.size + regions.size === 0) return text;
  const prefix = (name: string): string => name.slice(0, name.indexOf(':'));
  if (region !== null) return withoutProperties(text, (name) => panorama.has(prefix(name)) || regions.has(prefix(name)));
  text = text.replaceAll(/(stDim:w(?:="|>))[\d.]+/g, `$1${width}`).replaceAll(/(stDim:h(?:="|>))[\d.]+/g, `$1${height}`);
  for (const name of panorama) {
    const before = Number(new RegExp(`${name}:CroppedAreaImageWidthPixels(?:="|>)(\\d{1,9})`).exec(text)?.[1] ?? 0);
    const counted = new RegExp(`(${name}:\\w{1,64}Pixels(?:="|>))(\\d{1,9})`, 'g');
    if (before > 0)
      text = text.replaceAll(counted, (_, head: string, pixels: string) => `${head}${Math.round((Number(pixels) * width) / before)}`);
  }
  return text;
}

/** The studio's texts in a file's XMP by keyword, wherever in the file it stands. */
export function xmpTexts(file: Uint8Array): Readonly<Record<string, string>> {
  const at = indexOf(file, new TextEncoder().encode(OWN));
  if (at < 0) return {};
  const end = indexOf(file, new TextEncoder().encode(END), at);
  const text = new TextDecoder().decode(file.subarray(at, Math.min(end < 0 ? file.length : end, at + MAX_BYTES)));
  const found = text.matchAll(/<studio:([\w-]+)>([^<]*)<\/studio:\1>/g);
  return Object.fromEntries([...found].map(([, keyword = '', value = '']) => [keyword, unescapeXml(value)]));
}

/** A packet without the studio's descriptions; each of its characters is looked at once, whatever it says. */
function withoutOwn(packet: string): string {
  let kept = '';
  let from = 0;
  for (let at = packet.indexOf(OPEN); at >= 0; ) {
    const tagEnd = packet.indexOf('>', at);
    if (tagEnd < 0) break;
    const own = packet.slice(at, tagEnd).includes(OWN);
    const end = own ? packet.indexOf(CLOSE, tagEnd) : -1;
    if (own && end < 0) break;
    if (own) {
      kept += packet.slice(from, at);
      from = end + CLOSE.length;
    }
    at = packet.indexOf(OPEN, own ? from : tagEnd);
  }
  return kept + packet.slice(from);
}

function unescapeXml(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

function indexOf(bytes: Uint8Array, pattern: Uint8Array, from = 0): number {
  const [first = 0] = pattern;
  for (let at = bytes.indexOf(first, from); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (pattern.every((value, i) => bytes[at + i] === value)) return at;
  }
  return -1;
}
