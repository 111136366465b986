import type Vips from 'wasm-vips';

/** libvips, and what its build leaves out of its types. */
export type VipsModule = typeof Vips & {
  readonly FS: { writeFile(path: string, bytes: Uint8Array): void };
  /** New handles go to a queue that is emptied when the function given to `setDelayFunction` calls its argument. */
  setAutoDeleteLater(on: boolean): void;
  setDelayFunction(delay: (flush: () => void) => void): void;
};

export type VipsImage = Vips.Image;

/** What is loaded: AVIF beside the built-in formats. libvips' warnings about damaged files are not printed. */
export function vipsConfig(): NonNullable<Parameters<typeof Vips>[0]> {
  return {
    dynamicLibraries: ['vips-heif.wasm'],
    preRun: (module: { readonly ENV: Record<string, string> }) => {
      module.ENV['VIPS_WARNING'] = '0';
    },
    print: () => {},
    printErr: () => {},
  };
}

/** Formats libvips may read: those of pictures, and PPM, in which pixels are handed to it. */
const LOADERS = ['Png', 'Jpeg', 'Webp', 'Nsgif', 'Tiff', 'Heif', 'Ppm'] as const;

/** Sets a new instance up: every handle dies with the task that made it, nothing is cached, only pictures are read. */
export function vipsReady(created: typeof Vips): VipsModule {
  const vips = created as VipsModule;
  vips.setAutoDeleteLater(true);
  vips.setDelayFunction(queueMicrotask);
  vips.Cache.max(0);
  vips.operationBlock('VipsForeignLoad', true);
  for (const loader of LOADERS) vips.operationBlock(`VipsForeignLoad${loader}`, false);
  return vips;
}
