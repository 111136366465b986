import type { OpenedPicture, PictureToSave } from '../../src/protocol/picture-file.ts';
import type { Extent } from '../../src/protocol/request.ts';

/** Picture files read and written: libvips where its threads can run, the browser's own means elsewhere. */
export interface PictureCodec {
  /**
   * `deep`: with 16 bits too, where the file has them and the codec can; `page`: which page or frame, from 0. Throws StudioError `image-*`,
   * `option-invalid` for a page that is not there, or `out-of-memory`.
   */
  decode(bytes: Uint8Array<ArrayBuffer>, name: string, deep?: boolean, page?: number): Promise<OpenedPicture>;
  /** The upright sides of a file that `decode` would give. Throws as it does. */
  inspect(bytes: Uint8Array<ArrayBuffer>, name: string): Promise<Extent>;
  /** Throws StudioError `option-invalid` where the format cannot hold the picture's size, or `out-of-memory`. */
  encode(picture: PictureToSave): Promise<Blob>;
}

/** MIME types of what is written. */
export const MIME_TYPES = { png: 'image/png', jpeg: 'image/jpeg', webp: 'image/webp' } as const;
