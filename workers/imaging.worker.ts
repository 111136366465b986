import { expose, transfer } from 'comlink';
import { encode } from 'fast-png';
import { bandDifference, bandSimilarity, mixBands } from '../src/core/analysis.ts';
import { hasAlpha } from '../src/core/picture.ts';
import { resizePicture } from '../src/core/resize.ts';
import { StudioError } from '../src/protocol/errors.ts';
import type { Image8 } from '../src/protocol/request.ts';
import type { ImagingApi } from '../src/protocol/studio-api.ts';
import { checkHeader } from './imaging/header.ts';
import { pngTexts } from './imaging/png-texts.ts';
import { buffersOf, withWireFailures } from './transfer.ts';

const api: ImagingApi = {
  async decode(buffer, name) {
    checkHeader(new Uint8Array(buffer), name);
    const image = await pixels(buffer).catch((cause: unknown) => {
      throw new StudioError('image-truncated', `“${name}” is damaged and cannot be read.`, { details: { name }, cause });
    });
    return transfer(image, buffersOf(image));
  },

  async encodePng(image, text) {
    const { width, height } = image;
    const png = encode({ width, height, data: withoutNeedlessAlpha(image), channels: hasAlpha(image) ? 4 : 3, text });
    const bytes = new Uint8Array(png);
    return transfer(bytes.buffer, [bytes.buffer]);
  },

  async texts(buffer) {
    return pngTexts(new Uint8Array(buffer));
  },

  async difference(a, b, band, signed) {
    const found = bandDifference(resizePicture(a, b.height, b.width, 'bicubic'), b, band, signed);
    return transfer(found, buffersOf(found.picture));
  },

  async mix(low, high, gain) {
    const mixed = mixBands(resizePicture(low, high.height, high.width, 'bicubic'), high, gain);
    return transfer(mixed, buffersOf(mixed));
  },

  async similarity(picture, reference) {
    return bandSimilarity(picture, reference);
  },
};

/** Decoded by the browser: EXIF orientation applied, colours converted to sRGB. */
async function pixels(buffer: ArrayBuffer): Promise<Image8> {
  const bitmap = await createImageBitmap(new Blob([buffer]), { imageOrientation: 'from-image' });
  try {
    const { height, width } = bitmap;
    const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    if (context === null) throw new StudioError('internal', 'This browser could not make a canvas.');
    context.drawImage(bitmap, 0, 0);
    return { height, width, rgba8: context.getImageData(0, 0, width, height).data };
  } finally {
    bitmap.close();
  }
}

/** RGB bytes of an opaque picture, RGBA of any other. */
function withoutNeedlessAlpha(image: Image8): Uint8Array | Uint8ClampedArray {
  if (hasAlpha(image)) return image.rgba8;
  const rgb = new Uint8Array((image.rgba8.length / 4) * 3);
  for (let from = 0, to = 0; from < image.rgba8.length; from += 4) {
    rgb[to++] = image.rgba8[from] ?? 0;
    rgb[to++] = image.rgba8[from + 1] ?? 0;
    rgb[to++] = image.rgba8[from + 2] ?? 0;
  }
  return rgb;
}

expose(withWireFailures(api));
