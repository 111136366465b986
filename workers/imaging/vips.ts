// The page's sole import of libvips: its codecs and colour management as WASM, loaded with the first picture that is opened.
import type Vips from 'wasm-vips';
import wasmUrl from 'wasm-vips/vips.wasm?url';
import heifUrl from 'wasm-vips/vips-heif.wasm?url';
import { type VipsModule, vipsConfig, vipsReady } from './vips-module.ts';

/** A new instance of libvips in the browser. Its threads need cross-origin isolation. */
export async function loadVips(): Promise<VipsModule> {
  const { default: create } = (await import('wasm-vips')) as unknown as { readonly default: typeof Vips };
  const locateFile = (name: string): string => (name === 'vips-heif.wasm' ? heifUrl : wasmUrl);
  return vipsReady(await create({ ...vipsConfig(), locateFile }));
}
