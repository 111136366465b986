import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkHeader, HEAD_BYTES, isPicture } from '../../../../workers/imaging/header.ts';

let png: Uint8Array;
let jpeg: Uint8Array;
beforeAll(async () => {
  const picture = sharp({ create: { height: 30, width: 40, channels: 3, background: '#3355aa' } });
  png = await picture.clone().png().toBuffer();
  jpeg = await picture.clone().jpeg().toBuffer();
});

describe('checkHeader', () => {
  it('reads format and size of PNG and JPEG', () => {
    expect(checkHeader(png, 'a.png')).toEqual({ format: 'png', size: { height: 30, width: 40 } });
    expect(checkHeader(jpeg, 'a.jpg')).toEqual({ format: 'jpeg', size: { height: 30, width: 40 } });
  });

  it.each(['webp', 'gif', 'avif', 'tiff'] as const)('knows %s', async (format) => {
    const bytes = await sharp(png).toFormat(format).toBuffer();
    expect(checkHeader(bytes, 'a').format).toBe(format);
    expect(isPicture(bytes.subarray(0, HEAD_BYTES))).toBe(true);
  });

  it('takes no other file for a picture, however short', () => {
    for (const text of ['', 'B', 'II', 'RIFF', 'not a picture at all']) expect(isPicture(new TextEncoder().encode(text))).toBe(false);
  });

  it('refuses a header that promises 20,000 × 20,000 before anything is decoded', () => {
    const huge = Uint8Array.from(png);
    new DataView(huge.buffer).setUint32(16, 20_000);
    new DataView(huge.buffer).setUint32(20, 20_000);
    expect(() => checkHeader(huge, 'huge.png')).toThrow(expect.objectContaining({ code: 'image-too-large' }));
  });

  it.each([
    ['no bytes', () => new Uint8Array(0), 'image-empty'],
    ['text', () => new TextEncoder().encode('not a picture at all'), 'image-not-an-image'],
    ['half a PNG', () => png.slice(0, png.length / 2), 'image-truncated'],
    ['half a JPEG', () => jpeg.slice(0, jpeg.length / 2), 'image-truncated'],
  ])('refuses %s', (_, bytes, code) => {
    expect(() => checkHeader(bytes(), 'x')).toThrow(expect.objectContaining({ code }));
  });
});
