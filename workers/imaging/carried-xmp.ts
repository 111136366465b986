import { prefixesOf, withoutProperties } from './xmp-properties.ts';

/** Namespaces of what stands in a file beside its picture, and is not in a result. */
const GAIN_MAPS = ['http://ns.adobe.com/hdr-gain-map/1.0/', 'http://ns.apple.com/HDRGainMap/1.0/'];
const ATTACHMENTS = [
  'http://ns.google.com/photos/1.0/container/',
  'http://ns.google.com/photos/1.0/camera/',
  'http://ns.google.com/photos/1.0/depthmap/',
  'http://ns.google.com/photos/1.0/image/',
  'http://ns.google.com/photos/1.0/audio/',
  'http://ns.google.com/photos/dd/1.0/device/',
];
const XMP = 'http://ns.adobe.com/xap/1.0/';
/** No description of a picture is longer. */
const MAX_BYTES = 2 ** 24;

/** A file's packet as its results may carry it, and sentences on what was left out of it. */
export interface CarriedXmp {
  readonly xmp: Uint8Array<ArrayBuffer> | null;
  readonly notices: readonly string[];
}

/** A file's packet without its thumbnails and without its claims on what stood beside the picture: gain map, film, depth map. */
export function carriedXmp(packet: Uint8Array<ArrayBuffer> | null, name: string): CarriedXmp {
  if (packet === null) return { xmp: null, notices: [] };
  if (packet.length > MAX_BYTES) return { xmp: null, notices: [`The description of “${name}” (XMP) is too long to be kept.`] };
  const text = new TextDecoder().decode(packet);
  const gainMap = GAIN_MAPS.flatMap((namespace) => prefixesOf(text, namespace));
  const attached = ATTACHMENTS.flatMap((namespace) => prefixesOf(text, namespace));
  const prefixes = new Set([...gainMap, ...attached]);
  const thumbnails = new Set(prefixesOf(text, XMP).map((prefix) => `${prefix}:Thumbnails`));
  const kept = withoutProperties(text, (property) => prefixes.has(property.slice(0, property.indexOf(':'))) || thumbnails.has(property));
  if (kept === text) return { xmp: packet, notices: [] };
  const notices = [
    ...(gainMap.length > 0 ? [`The HDR gain map of “${name}” is not kept: the result is an ordinary picture.`] : []),
    ...(gainMap.length === 0 && attached.length > 0 ? [`What “${name}” holds beside its picture (a film, a depth map) is not kept.`] : []),
  ];
  return { xmp: new TextEncoder().encode(kept), notices };
}
