import { describe, expect, it } from 'vitest';
import { decodeBmp } from '../../../../workers/imaging/bmp.ts';
import { checkHeader } from '../../../../workers/imaging/header.ts';

interface Parts {
  readonly width: number;
  /** Negative where rows go from top to bottom. */
  readonly height: number;
  readonly bits: number;
  readonly compression?: number;
  readonly masks?: readonly number[];
  readonly palette?: readonly (readonly [number, number, number])[];
  /** Rows as they are stored, without their padding. */
  readonly rows: readonly (readonly number[])[];
}

function bmp({ width, height, bits, compression = 0, masks = [], palette = [], rows }: Parts): Uint8Array {
  const stride = 4 * Math.ceil((bits * width) / 32);
  // masks of colours alone follow the header; with alpha they are part of a longer one
  const headerBytes = masks.length === 4 ? 108 : 40;
  const start = 14 + headerBytes + (masks.length === 3 ? 12 : 0) + 4 * palette.length;
  const bytes = new Uint8Array(start + stride * rows.length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x42, 0x4d]);
  view.setUint32(10, start, true);
  view.setUint32(14, headerBytes, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(28, bits, true);
  view.setUint32(30, compression, true);
  for (const [i, mask] of masks.entries()) view.setUint32(54 + 4 * i, mask, true);
  for (const [i, [r, g, b]] of palette.entries()) bytes.set([b, g, r, 0], start - 4 * palette.length + 4 * i);
  for (const [i, row] of rows.entries()) bytes.set(row, start + stride * i);
  return bytes;
}

const [BLACK, RED, GREEN] = [
  [0, 0, 0],
  [255, 0, 0],
  [0, 255, 0],
] as const;
/** Red, green above black, red. */
const EXPECTED = [RED, GREEN, BLACK, RED].flatMap((colour) => [...colour, 255]);

describe('decodeBmp', () => {
  const size = { width: 2, height: 2 };

  it.each<[string, Parts]>([
    [
      '24 bits',
      {
        ...size,
        bits: 24,
        rows: [
          [0, 0, 0, 0, 0, 255],
          [0, 0, 255, 0, 255, 0],
        ],
      },
    ],
    [
      '24 bits, top down',
      {
        width: 2,
        height: -2,
        bits: 24,
        rows: [
          [0, 0, 255, 0, 255, 0],
          [0, 0, 0, 0, 0, 255],
        ],
      },
    ],
    [
      '32 bits without alpha',
      {
        ...size,
        bits: 32,
        rows: [
          [0, 0, 0, 9, 0, 0, 255, 9],
          [0, 0, 255, 9, 0, 255, 0, 9],
        ],
      },
    ],
    [
      '16 bits',
      {
        ...size,
        bits: 16,
        rows: [
          [0, 0, 0, 0x7c],
          [0, 0x7c, 0xe0, 0x03],
        ],
      },
    ],
    [
      '16 bits with masks',
      {
        ...size,
        bits: 16,
        compression: 3,
        masks: [0xf800, 0x07e0, 0x001f],
        rows: [
          [0, 0, 0, 0xf8],
          [0, 0xf8, 0xe0, 0x07],
        ],
      },
    ],
    [
      '8 bits with a palette',
      {
        ...size,
        bits: 8,
        palette: [BLACK, RED, GREEN],
        rows: [
          [0, 1],
          [1, 2],
        ],
      },
    ],
    ['4 bits with a palette', { ...size, bits: 4, palette: [BLACK, RED, GREEN], rows: [[0x01], [0x12]] }],
  ])('reads %s', (_, parts) => {
    const { height, width, rgba8 } = decodeBmp(bmp(parts));
    expect([height, width]).toEqual([2, 2]);
    expect([...rgba8]).toEqual(EXPECTED);
  });

  it('reads 1 bit, and rows that are padded', () => {
    const { rgba8 } = decodeBmp(bmp({ width: 10, height: 1, bits: 1, palette: [BLACK, RED], rows: [[0b1000_0000, 0b0100_0000]] }));
    expect([...rgba8].filter((_, i) => i % 4 === 0)).toEqual([255, 0, 0, 0, 0, 0, 0, 0, 0, 255]);
  });

  it('reads alpha where a mask says there is one', () => {
    const masks = [0xff0000, 0xff00, 0xff, 0xff000000];
    expect([...decodeBmp(bmp({ width: 1, height: 1, bits: 32, compression: 3, masks, rows: [[3, 2, 1, 77]] })).rgba8]).toEqual([
      1, 2, 3, 77,
    ]);
  });

  it('refuses other formats in a BMP, and files cut short', () => {
    const whole = bmp({
      ...size,
      bits: 24,
      rows: [
        [0, 0, 0, 0, 0, 255],
        [0, 0, 255, 0, 255, 0],
      ],
    });
    expect(() => decodeBmp(bmp({ ...size, bits: 8, compression: 4, rows: [[0], [0]] }))).toThrow(RangeError);
    expect(() => decodeBmp(whole.subarray(0, whole.length - 1))).toThrow(RangeError);
  });

  it('is known by its header, with its size', () => {
    const topDown = bmp({ width: 2, height: -1, bits: 24, rows: [[0, 0, 0, 0, 0, 255]] });
    expect(checkHeader(topDown, 'a.bmp')).toEqual({ format: 'bmp', size: { height: 1, width: 2 } });
  });
});

describe('run-length coded BMP', () => {
  const palette = [BLACK, RED, GREEN];
  const inRows = (coded: readonly number[], stride: number): number[][] =>
    Array.from({ length: Math.ceil(coded.length / stride) }, (_, i) => coded.slice(i * stride, (i + 1) * stride));

  it.each([
    // from the bottom up: a run and a literal, a step over two pixels, an end of line and the end
    [8, 1, [3, 1, 0, 3, 2, 1, 2, 0, 0, 0, 0, 2, 2, 0, 1, 2, 0, 1]],
    [4, 2, [3, 0x11, 0, 3, 0x21, 0x20, 0, 0, 0, 2, 2, 0, 1, 0x22, 0, 1]],
  ])('of %d bits gives its pixels, and the first of the palette where it skips', (bits, compression, row) => {
    const { height, width, rgba8 } = decodeBmp(
      bmp({ width: 6, height: 2, bits, compression, palette, rows: inRows(row, bits === 8 ? 8 : 4) }),
    );
    expect([height, width]).toEqual([2, 6]);
    const colours = [BLACK, BLACK, GREEN, BLACK, BLACK, BLACK, RED, RED, RED, GREEN, RED, GREEN];
    expect([...rgba8]).toEqual(colours.flatMap((colour) => [...colour, 255]));
  });

  it('that is cut short is refused', () => {
    const whole = bmp({ width: 6, height: 40, bits: 8, compression: 1, palette, rows: [[6, 1, 0, 0]] });
    expect(() => decodeBmp(whole.subarray(0, whole.length - 4))).toThrow(RangeError);
  });
});
