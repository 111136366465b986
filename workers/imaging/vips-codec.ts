import { alphaLook } from '../../src/core/alpha.ts';
import { StudioError } from '../../src/protocol/errors.ts';
import { bareSource } from '../../src/protocol/picture-file.ts';
import { decodeBmp } from './bmp.ts';
import { checkHeader } from './header.ts';
import type { PictureCodec } from './picture-codec.ts';
import { tiffKind, tiffPage } from './tiff.ts';
import { decodePicture, inspectPicture } from './vips-decode.ts';
import { encodePicture } from './vips-encode.ts';
import type { VipsModule } from './vips-module.ts';

/** Reads and writes picture files with libvips, loaded when it is first needed, and again after it crashed. */
export class VipsCodec implements PictureCodec {
  readonly #load: () => Promise<VipsModule>;
  readonly #onCrash: (error: unknown) => void;
  #vips: Promise<VipsModule> | null = null;

  /** `onCrash` hears of an instance that is given up: its threads and memory end only with whoever started them. */
  constructor(load: () => Promise<VipsModule>, onCrash: (error: unknown) => void = () => {}) {
    this.#load = load;
    this.#onCrash = onCrash;
  }

  decode: PictureCodec['decode'] = async (bytes, name, deep = false, page = 0) => {
    const header = checkHeader(bytes, name);
    if (header.format === 'bmp') {
      try {
        const image = decodeBmp(bytes);
        return { image, source: { ...bareSource(header.format), alpha: alphaLook(image) } };
      } catch (error) {
        throw damaged(name, bytes, error);
      }
    }
    return this.#with(
      (vips) => decodePicture(vips, bytes, header, name, deep, page),
      (cause) => damaged(name, bytes, cause),
    );
  };

  inspect: PictureCodec['inspect'] = async (bytes, name) => {
    const header = checkHeader(bytes, name);
    if (header.format === 'bmp' && header.size !== null) return header.size;
    return this.#with(
      (vips) => inspectPicture(vips, bytes, header, name),
      (cause) => damaged(name, bytes, cause),
    );
  };

  encode: PictureCodec['encode'] = (picture) =>
    this.#with(
      (vips) => encodePicture(vips, picture),
      (cause) => new StudioError('internal', 'The picture could not be written in this format. Another may do.', { cause }),
    );

  /** What the work gives. Whatever fails becomes what `refused` makes of it; but for what libvips reports itself, that costs the instance. */
  async #with<T>(work: (vips: VipsModule) => T, refused: (cause: unknown) => StudioError): Promise<T> {
    this.#vips ??= this.#load();
    const vips = await this.#vips.catch((error: unknown) => {
      this.#vips = null;
      throw error;
    });
    try {
      return work(vips);
    } catch (error) {
      if (error instanceof StudioError) throw error;
      if (!(error instanceof WebAssembly.Exception)) {
        this.#vips = null;
        this.#onCrash(error);
        throw refused(error);
      }
      const cause = new Error(messageOf(error));
      if (!/out of memory|memory allocation/i.test(cause.message)) throw refused(cause);
      throw new StudioError('out-of-memory', 'There is not enough memory for this picture. A smaller one may fit.', { cause });
    }
  }
}

/** What is wrong with a file: its kind, where that alone explains it. */
function damaged(name: string, bytes: Uint8Array, cause: unknown): StudioError {
  const tiff = ['II', 'MM'].includes(String.fromCharCode(...bytes.subarray(0, 2))) ? tiffPage(bytes) : null;
  const kind = tiff === null ? null : tiffKind(tiff);
  if (kind !== null) {
    const text = `“${name}” is a TIFF ${kind}, which this studio cannot read. Saving it as PNG elsewhere may help.`;
    return new StudioError('image-not-an-image', text, { details: { name }, cause });
  }
  const text = `“${name}” is damaged or of a kind that cannot be read. Saving it as PNG elsewhere may help.`;
  return new StudioError('image-truncated', text, { details: { name }, cause });
}

/** libvips' exceptions carry a kind and a text. */
function messageOf(error: unknown): string {
  const message = (error as { readonly message?: unknown }).message;
  return Array.isArray(message) ? String(message[1]).trim() : String(message);
}
