import { StudioError } from '../../protocol/errors.ts';
import type { Image8 } from '../../protocol/request.ts';
import { pictureFrameId } from '../frames.ts';
import type { QueueItem } from '../queue.ts';
import { fileKey } from '../session.ts';
import type { ActionContext } from './context.ts';

/** The items' pictures: files kept in storage, decoded when they are needed. */
export interface Pictures {
  /** The item's picture. Throws StudioError `image-*`, or `storage-lost` where its file is gone. */
  of(item: QueueItem): Promise<Image8>;
}

export function createPictures({ frames, clients, storage }: ActionContext): Pictures {
  return {
    async of({ id, name }) {
      const known = frames.get(pictureFrameId(id));
      if (known !== undefined) return known;
      const file = await storage.get(fileKey(id));
      if (!(file instanceof Blob)) {
        throw new StudioError('storage-lost', `The browser does not keep the file of “${name}” any more. Add it once more.`, {
          details: { name },
        });
      }
      const image = await clients.decode(await file.arrayBuffer(), name);
      frames.put(pictureFrameId(id), image);
      return image;
    },
  };
}
