import { StudioError } from '../../protocol/errors.ts';
import type { SourceInfo } from '../../protocol/picture-file.ts';
import type { Image8 } from '../../protocol/request.ts';
import { pictureFrameId } from '../frames.ts';
import type { QueueItem } from '../queue.ts';
import { fileKey } from '../session.ts';
import type { ActionContext } from './context.ts';

/** The items' pictures: files kept in storage, decoded when they are needed. */
export interface Pictures {
  /** The item's picture. Throws StudioError `image-*`, or `storage-lost` where its file is gone. */
  of(item: QueueItem): Promise<Image8>;
  /** Decodes a file as an item's. Throws StudioError `image-*`. */
  decode(item: Pick<QueueItem, 'id' | 'name' | 'page'>, file: Blob): Promise<Image8>;
  /** What the item's file said besides its pixels, once it was decoded. */
  source(itemId: string): SourceInfo | null;
  /** Its pixels may go: they are read again when they are needed. */
  let(itemId: string): void;
  forget(itemId: string): void;
}

export function createPictures({ frames, clients, storage }: ActionContext): Pictures {
  const sources = new Map<string, SourceInfo>();

  async function decode({ id, name, page }: Pick<QueueItem, 'id' | 'name' | 'page'>, file: Blob): Promise<Image8> {
    const { image, source } = await clients.decode(await file.arrayBuffer(), name, false, page);
    frames.put(pictureFrameId(id), image);
    sources.set(id, source);
    return image;
  }

  return {
    async of(item) {
      const { id, name } = item;
      const known = frames.get(pictureFrameId(id));
      if (known !== undefined) return known;
      const file = await storage.get(fileKey(id));
      if (!(file instanceof Blob)) {
        throw new StudioError('storage-lost', `The browser does not keep the file of “${name}” any more. Add it once more.`, {
          details: { name },
        });
      }
      return decode(item, file);
    },

    decode,

    source: (itemId) => sources.get(itemId) ?? null,

    let: (itemId) => frames.drop(pictureFrameId(itemId)),

    forget(itemId) {
      frames.drop(pictureFrameId(itemId));
      sources.delete(itemId);
    },
  };
}
