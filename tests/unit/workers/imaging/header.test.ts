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

  it.each([
    ['a HEIC picture', '\0\0\0\x18ftypheic\0\0\0\0'],
    ['a JPEG XL picture', '\0\0\0\x0cJXL \r\n\x87\n'],
    ['a Photoshop document', '8BPS\0\x01'],
    ['an OpenEXR picture', 'v/1\x01'],
    ['a drawing (SVG)', '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'],
  ])('names %s where it declines one', (kind, head) => {
    const bytes = Uint8Array.from(head, (sign) => sign.charCodeAt(0));
    expect(() => checkHeader(bytes, 'x')).toThrow(
      expect.objectContaining({ code: 'image-not-an-image', message: expect.stringContaining(kind) }),
    );
  });

  it('takes pictures with anything behind their end for whole', () => {
    for (const file of [png, jpeg]) {
      const tail = new Uint8Array(9000).fill(7);
      expect(checkHeader(Uint8Array.from([...file, ...tail]), 'x').size).toEqual({ height: 30, width: 40 });
      expect(() => checkHeader(Uint8Array.from([...file.slice(0, -12), ...tail]), 'x')).toThrow(
        expect.objectContaining({ code: 'image-truncated' }),
      );
    }
  });

  it('bounds pixels, not sides', () => {
    const strip = Uint8Array.from(png);
    new DataView(strip.buffer).setUint32(16, 60);
    new DataView(strip.buffer).setUint32(20, 17_000);
    // its checksum is the decoder's to look at
    expect(checkHeader(strip, 'strip.png').size).toEqual({ height: 17_000, width: 60 });
  });
});
