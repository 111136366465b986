const SIDE_PX = 80;

export interface Thumbnail {
  /** A square of the picture's middle, as a data URL. */
  readonly url: string;
  /** Sides of the whole picture. */
  readonly height: number;
  readonly width: number;
}

/** A small view of a picture file, made by the browser; null for a file it cannot read. */
export async function thumbnailOf(file: Blob): Promise<Thumbnail | null> {
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' }).catch(() => null);
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
    return { url: canvas.toDataURL('image/webp', 0.8), height, width };
  } finally {
    bitmap.close();
  }
}
