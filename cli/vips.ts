// The command line's sole import of libvips.
import Vips from 'wasm-vips';
import { type VipsModule, vipsConfig, vipsReady } from '../workers/imaging/vips-module.ts';

/** A new instance of libvips in Node. */
export async function loadVips(): Promise<VipsModule> {
  return vipsReady(await Vips(vipsConfig()));
}
