import { expose, transfer } from 'comlink';
import { type BandViews, bandDifference, bandSimilarity, bandViews, likeness, mixBands } from '../src/core/analysis.ts';
import { psnrY, ssimY } from '../src/core/metrics.ts';
import { resizePicture } from '../src/core/resize.ts';
import type { Extent, Image8 } from '../src/protocol/request.ts';
import type { ImagingApi } from '../src/protocol/studio-api.ts';
import { browserCodec } from './imaging/browser-codec.ts';
import { HEAD_BYTES, isPicture } from './imaging/header.ts';
import { studioTexts } from './imaging/owned-texts.ts';
import type { PictureCodec } from './imaging/picture-codec.ts';
import { pngTexts } from './imaging/png-texts.ts';
import { loadVips } from './imaging/vips.ts';
import { VipsCodec } from './imaging/vips-codec.ts';
import { xmpTexts } from './imaging/xmp.ts';
import { buffersOf, LIVING, withWireFailures } from './transfer.ts';

// a crashed instance cannot be ended from inside: the page ends this worker with it when it hears of an error, and starts another
const codec: PictureCodec = crossOriginIsolated ? new VipsCodec(loadVips, (error) => setTimeout(() => reportError(error))) : browserCodec;

/** Sides below this leave no window to measure in. */
const LEAST_MEASURED = 19;
/** What steps are measured against, and its bands at the size it was last measured at. */
let reference: { readonly picture: Image8; views: (BandViews & Extent) | null } | null = null;

const api: ImagingApi = {
  async decode(buffer, name, deep, page) {
    const opened = await codec.decode(new Uint8Array(buffer), name, deep, page);
    const { beyond } = opened.source;
    return transfer(opened, [...buffersOf(opened.image), ...(beyond === null ? [] : [beyond.levels.buffer])]);
  },

  isPicture: async (file) => isPicture(new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer())),

  inspect: async (file, name) => codec.inspect(new Uint8Array(await file.arrayBuffer()), name),

  encode: (picture) => codec.encode(picture),

  async texts(buffer) {
    const bytes = new Uint8Array(buffer);
    return { ...xmpTexts(bytes), ...studioTexts(pngTexts(bytes)) };
  },

  async difference(a, b, band, signed, gain) {
    const found = bandDifference(resizePicture(a, b.height, b.width, 'bicubic'), b, band, signed, gain);
    return transfer(found, buffersOf(found.picture));
  },

  async resize(picture, { height, width }) {
    const resized = resizePicture(picture, height, width, 'bicubic');
    return transfer(resized, buffersOf(resized));
  },

  async judge(picture, reference) {
    const comparable = picture.height === reference.height && picture.width === reference.width;
    const measured = comparable && Math.min(picture.height, picture.width) >= LEAST_MEASURED;
    return {
      likeness: likeness(picture, reference),
      psnr: measured ? psnrY(picture, reference) : null,
      ssim: measured ? ssimY(picture, reference) : null,
    };
  },

  async mix(low, high, gain) {
    const mixed = mixBands(resizePicture(low, high.height, high.width, 'bicubic'), high, gain);
    return transfer(mixed, buffersOf(mixed));
  },

  async setReference(picture) {
    reference = picture === null ? null : { picture, views: null };
  },

  async similarity(picture) {
    if (reference === null) return null;
    const { height, width } = picture;
    if (reference.views?.height !== height || reference.views.width !== width) {
      reference.views = { height, width, ...bandViews(resizePicture(reference.picture, height, width, 'bicubic')) };
    }
    return bandSimilarity(bandViews(picture), reference.views);
  },
};

expose(withWireFailures({ ...api, ...LIVING }));
