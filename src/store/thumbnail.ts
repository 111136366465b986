import type { Image8 } from '../protocol/request.ts';

const SIDE_PX = 80;

/** A square of a picture's middle, made by the browser, as a data URL; null for a file it cannot read. */
export async function thumbnailOf(picture: Blob | Image8): Promise<string | null> {
  const drawable = picture instanceof Blob ? picture : new ImageData(picture.rgba8, picture.width, picture.height);
  const bitmap = await createImageBitmap(drawable, { imageOrientation: 'from-image' }).catch(() => null);
  if (bitmap === null) return null;
  try {
    const { height, width } = bitmap;
    const canvas = document.createElement('canvas');
    canvas.height = SIDE_PX;
    canvas.width = SIDE_PX;
    const context = canvas.getContext('2d');
    if (context === null) return null;
    const side = Math.min(height, width);
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, (width - side) / 2, (height - side) / 2, side, side, 0, 0, SIDE_PX, SIDE_PX);
    return canvas.toDataURL('image/webp', 0.8);
  } finally {
    bitmap.close();
  }
}
