import type { Tensor } from '../../../src/core/tensor.ts';
import type { Fetches } from '../../sessions/runtime.ts';

/** The named output of a graph. Throws TypeError where it gave none. */
export function output1(fetches: Fetches, name: string): Tensor {
  const found = fetches[name];
  if (found === undefined) throw new TypeError(`expected an output “${name}”, got ${Object.keys(fetches).join(', ')}`);
  return found;
}
