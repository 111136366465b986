import { parse } from 'node:path';

/** File systems hold names of so many bytes. */
const MAX_NAME_BYTES = 255;

/**
 * The names of results by those of their inputs, of one folder: NAME.ending for every file, NAME.EXT.ending where two would share it, and a
 * number where even that is taken. No two are one on file systems that tell no capitals.
 */
export function resultNames(names: readonly string[], ending: string): ReadonlyMap<string, string> {
  const stems = new Map(names.map((name) => [name, parse(name).name]));
  const key = (text: string): string => text.normalize('NFC').toLowerCase();
  for (let changed = true; changed; ) {
    changed = false;
    const shared = new Map<string, number>();
    for (const stem of stems.values()) shared.set(key(stem), (shared.get(key(stem)) ?? 0) + 1);
    for (const [name, stem] of stems) {
      if (stem === name || shared.get(key(stem)) === 1) continue;
      stems.set(name, name);
      changed = true;
    }
  }
  const taken = new Set<string>();
  const places = [...stems].map(([name, stem]): readonly [string, string] => {
    for (let count = 1; ; count++) {
      const mark = count === 1 ? '' : ` ${count}`;
      const place = `${shortened(stem, MAX_NAME_BYTES - Buffer.byteLength(`${mark}.${ending}`))}${mark}.${ending}`;
      if (taken.has(key(place))) continue;
      taken.add(key(place));
      return [name, place];
    }
  });
  return new Map(places);
}

/** As much of a text as so many bytes hold, whole characters. */
function shortened(text: string, bytes: number): string {
  const signs = [...text];
  while (Buffer.byteLength(signs.join('')) > bytes) signs.pop();
  return signs.join('');
}
