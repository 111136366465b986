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
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;' } as const;

interface Upright {
  readonly height: number;
  readonly width: number;
}

/**
 * An XMP packet with the studio's texts, on top of a file's own packet where it has one: what that says of size and orientation is put
 * right, texts of the studio that it carried are replaced; one beyond 16 MiB is left out. Null when nothing is left to say.
 */
export function xmpWith(packet: Uint8Array | null, texts: Readonly<Record<string, string>>, { height, width }: Upright): Uint8Array | null {
  const carried = packet === null || packet.length > MAX_BYTES ? '' : withoutOwn(new TextDecoder().decode(packet));
  const known = carried.includes(END);
  const entries = Object.entries(texts).map(([keyword, text]) => `<studio:${keyword}>${escapeXml(text)}</studio:${keyword}>`);
  if (!known && entries.length === 0) return null;
  const own = entries.length === 0 ? '' : `<rdf:Description rdf:about="" ${OWN}>${entries.join('')}</rdf:Description>`;
  const facts = { Orientation: 1, ImageWidth: width, ImageLength: height, PixelXDimension: width, PixelYDimension: height };
  let text = known ? carried : EMPTY;
  for (const [name, value] of Object.entries(facts)) {
    text = text.replaceAll(new RegExp(`((?:tiff|exif):${name}(?:="|>))\\d+`, 'g'), `$1${value}`);
  }
  const at = text.lastIndexOf(END);
  return new TextEncoder().encode(text.slice(0, at) + own + text.slice(at));
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

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>]/g, (sign) => ENTITIES[sign as keyof typeof ENTITIES]);
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
