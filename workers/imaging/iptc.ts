/** IIM's marker, and its record of what describes a picture. */
const [MARKER, APPLICATION] = [0x1c, 2] as const;
/** A data set's properties in XMP, IPTC Photo Metadata Standard: plain, of one text in languages, or lists. */
const PROPERTIES: Readonly<Record<number, readonly [name: string, kind: 'plain' | 'Alt' | 'Bag' | 'Seq']>> = {
  5: ['dc:title', 'Alt'],
  25: ['dc:subject', 'Bag'],
  40: ['photoshop:Instructions', 'plain'],
  55: ['photoshop:DateCreated', 'plain'],
  80: ['dc:creator', 'Seq'],
  85: ['photoshop:AuthorsPosition', 'plain'],
  90: ['photoshop:City', 'plain'],
  95: ['photoshop:State', 'plain'],
  101: ['photoshop:Country', 'plain'],
  105: ['photoshop:Headline', 'plain'],
  110: ['photoshop:Credit', 'plain'],
  115: ['photoshop:Source', 'plain'],
  116: ['dc:rights', 'Alt'],
  120: ['dc:description', 'Alt'],
  122: ['photoshop:CaptionWriter', 'plain'],
};
const ESCAPES = [0x1b, 0x25, 0x47];

/** What IPTC-IIM says, as XMP's elements by their names, for formats that hold no IPTC. Empty for bytes that are none. */
export function iptcProperties(iptc: Uint8Array): ReadonlyMap<string, string> {
  const found = new Map<string, string[]>();
  // the coded character set, 1:90, names UTF-8 where it is used
  const utf8 = iptc.some((_, i) => ESCAPES.every((byte, k) => iptc[i + k] === byte));
  const decoder = new TextDecoder(utf8 ? 'utf-8' : 'latin1');
  for (let at = iptc.indexOf(MARKER); at >= 0 && at + 5 <= iptc.length; ) {
    const length = ((iptc[at + 3] ?? 0) << 8) | (iptc[at + 4] ?? 0);
    const property = iptc[at + 1] === APPLICATION ? PROPERTIES[iptc[at + 2] ?? 0] : undefined;
    const known = iptc[at + 1] === APPLICATION && length < 0x8000 && at + 5 + length <= iptc.length;
    if (known && property !== undefined) {
      const text = decoder.decode(iptc.subarray(at + 5, at + 5 + length)).replace(/\0+$/, '');
      found.set(property[0], [...(found.get(property[0]) ?? []), text]);
    }
    at = iptc.indexOf(MARKER, known ? at + 5 + length : at + 1);
  }
  const elements = [...found].map(([name, texts]): [string, string] => {
    const kind = Object.values(PROPERTIES).find(([known]) => known === name)?.[1] ?? 'plain';
    return [name, xmpElement(name, kind, texts)];
  });
  return new Map(elements);
}

/** A property as an element: its texts plain, or in one of RDF's containers. */
export function xmpElement(name: string, kind: 'plain' | 'Alt' | 'Bag' | 'Seq', texts: readonly string[]): string {
  if (kind === 'plain') return `<${name}>${escapeXml(texts.join('; '))}</${name}>`;
  const language = kind === 'Alt' ? ' xml:lang="x-default"' : '';
  const items = texts.map((text) => `<rdf:li${language}>${escapeXml(text)}</rdf:li>`);
  return `<${name}><rdf:${kind}>${items.join('')}</rdf:${kind}></${name}>`;
}

export function escapeXml(text: string): string {
  // XML has no room for most control characters
  const sound = [...text].filter((sign) => sign >= ' ' || '\n\t'.includes(sign)).join('');
  return sound.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
