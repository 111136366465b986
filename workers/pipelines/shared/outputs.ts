import type { AnyTensor } from '../../../src/core/arithmetic.ts';

/** The named output of a graph. Throws TypeError where it gave none. */
export function output1<T extends AnyTensor>(fetches: Readonly<Record<string, T>>, name: string): T {
  const found = fetches[name];
  if (found === undefined) throw new TypeError(`expected an output “${name}”, got ${Object.keys(fetches).join(', ')}`);
  return found;
}
