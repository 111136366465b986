import { encode } from 'fast-png';
import { alphaLook } from '../../src/core/alpha.ts';
import { StudioError } from '../../src/protocol/errors.ts';
import { bareSource, formatRefusal, PAPER } from '../../src/protocol/picture-file.ts';
import type { Image8 } from '../../src/protocol/request.ts';
import { checkHeader, checkSize } from './header.ts';
import { MIME_TYPES, type PictureCodec } from './picture-codec.ts';
import { withPngTexts } from './png-texts.ts';

/**
 * The browser's own decoders, for pages without cross-origin isolation: orientation applied, colours converted to sRGB, 8 bits, nothing else
 * kept of the file. PNGs are written by fast-png, since a canvas would premultiply their alpha.
 */
export const browserCodec: PictureCodec = {
  async decode(bytes, name) {
    const { format } = checkHeader(bytes, name);
    const image = await withBitmap(bytes, name, (bitmap) => {
      const { height, width } = bitmap;
      const context = canvas(height, width);
      context.drawImage(bitmap, 0, 0);
      return { height, width, rgba8: context.getImageData(0, 0, width, height).data };
    });
    return { image, source: { ...bareSource(format), alpha: alphaLook(image) } };
  },

  async inspect(bytes, name) {
    checkHeader(bytes, name);
    return withBitmap(bytes, name, ({ height, width }) => ({ height, width }));
  },

  async encode({ image, options, texts }) {
    const { format, quality, metadata, background } = options;
    const refusal = formatRefusal(format, image);
    if (refusal !== null) throw new StudioError('option-invalid', refusal, { details: { format } });
    if (format !== 'png')
      return drawn(image, format === 'jpeg' ? (background ?? PAPER) : null).convertToBlob({
        type: MIME_TYPES[format],
        quality: quality / 100,
      });
    const { height, width, rgba8 } = image;
    const png = new Blob([new Uint8Array(encode({ width, height, data: rgba8, channels: 4 }))], { type: MIME_TYPES.png });
    return metadata === 'keep' ? withPngTexts(png, texts) : png;
  },
};

/** What is made of a file as the browser decodes it, upright. Not every header is read before: the size is looked at again. */
async function withBitmap<T>(bytes: Uint8Array<ArrayBuffer>, name: string, use: (bitmap: ImageBitmap) => T): Promise<T> {
  const bitmap = await createImageBitmap(new Blob([bytes]), { imageOrientation: 'from-image' }).catch((cause: unknown) => {
    const text = `“${name}” is damaged or of a kind that this browser cannot read.`;
    throw new StudioError('image-truncated', text, { details: { name }, cause });
  });
  try {
    checkSize(bitmap, name);
    return use(bitmap);
  } finally {
    bitmap.close();
  }
}

/** A picture on a canvas; `background`: what shows where it is transparent, null for nothing. */
function drawn(image: Image8, background: string | null): OffscreenCanvas {
  const { height, width, rgba8 } = image;
  const picture = canvas(height, width);
  picture.putImageData(new ImageData(rgba8, width, height), 0, 0);
  if (background === null) return picture.canvas;
  const paper = canvas(height, width);
  paper.fillStyle = background;
  paper.fillRect(0, 0, width, height);
  paper.drawImage(picture.canvas, 0, 0);
  return paper.canvas;
}

function canvas(height: number, width: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (context === null) throw new StudioError('internal', 'This browser could not make a canvas.');
  return context;
}
