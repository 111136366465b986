import { StudioError } from '../../src/protocol/errors.ts';
import { decodeBmp } from './bmp.ts';
import { checkHeader } from './header.ts';
import type { PictureCodec } from './picture-codec.ts';
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

  decode: PictureCodec['decode'] = async (bytes, name, deep = false) => {
    const header = checkHeader(bytes, name);
    if (header.format === 'bmp') {
      try {
        const source = { format: header.format, depth: 8, profile: null, icc: null, exif: null, xmp: null } as const;
        return { image: decodeBmp(bytes), source };
      } catch (error) {
        throw damaged(name, error);
      }
    }
    return this.#with(
      (vips) => decodePicture(vips, bytes, header, name, deep),
      (cause) => damaged(name, cause),
    );
  };

  inspect: PictureCodec['inspect'] = async (bytes, name) => {
    const { format, size } = checkHeader(bytes, name);
    if (format === 'bmp' && size !== null) return size;
    return this.#with(
      (vips) => inspectPicture(vips, bytes, name),
      (cause) => damaged(name, cause),
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

function damaged(name: string, cause: unknown): StudioError {
  const text = `“${name}” is damaged or of a kind that cannot be read. Saving it as PNG elsewhere may help.`;
  return new StudioError('image-truncated', text, { details: { name }, cause });
}

/** libvips' exceptions carry a kind and a text. */
function messageOf(error: unknown): string {
  const message = (error as { readonly message?: unknown }).message;
  return Array.isArray(message) ? String(message[1]).trim() : String(message);
}
