/** An element right below one of a packet's descriptions: its qualified name, and where in the text it begins and ends. */
export interface XmpProperty {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Attributes longer than this are left alone, so that no packet makes work of its square. */
const ATTRIBUTE = '="[^"]{0,1024}"|=\'[^\']{0,1024}\'';

/** The properties of a packet that stand as elements; each of its characters is looked at once or twice, whatever it says. */
export function xmpProperties(packet: string): readonly XmpProperty[] {
  const found: XmpProperty[] = [];
  let depth = 0;
  let open: Omit<XmpProperty, 'end'> | null = null;
  for (let at = packet.indexOf('<'); at >= 0; ) {
    const end = packet.indexOf('>', at) + 1;
    if (end === 0) break;
    const name = /^<\/?([\w.:-]{1,128})/.exec(packet.slice(at, Math.min(end, at + 160)))?.[1] ?? '';
    const empty = packet[end - 2] === '/';
    if (name !== '' && packet[at + 1] === '/') {
      if (depth > 0) depth--;
      if (depth === 1 && open !== null) {
        found.push({ ...open, end });
        open = null;
      }
    } else if (name !== '' && (depth > 0 || name === 'rdf:Description')) {
      if (depth === 1 && empty) found.push({ name, start: at, end });
      else if (depth === 1) open = { name, start: at };
      if (!empty) depth++;
    }
    at = packet.indexOf('<', end);
  }
  return found;
}

/** A packet without some of its properties, be they elements or attributes. `drop`: by qualified name and, of elements, the whole text. */
export function withoutProperties(packet: string, drop: (name: string, text: string) => boolean): string {
  let kept = '';
  let from = 0;
  for (const { name, start, end } of xmpProperties(packet)) {
    if (!drop(name, packet.slice(start, end))) continue;
    kept += packet.slice(from, start);
    from = end;
  }
  const elements = kept + packet.slice(from);
  return elements.replaceAll(new RegExp(`\\s([\\w-]{1,64}:[\\w-]{1,64})(?:${ATTRIBUTE})`, 'g'), (attribute, name: string) =>
    !name.startsWith('xmlns:') && drop(name, '') ? '' : attribute,
  );
}

/** The prefixes that a packet binds to a namespace. */
export function prefixesOf(packet: string, namespace: string): readonly string[] {
  const found = packet.matchAll(/xmlns:([\w-]{1,64})=["']([^"']{1,256})["']/g);
  return [...found].flatMap(([, prefix = '', uri]) => (uri === namespace ? [prefix] : []));
}
