import { describe, expect, it } from 'vitest';
import { type Band, bandDifference, bandSimilarity, bandViews, likeness, mixBands } from '../../../src/core/analysis.ts';
import type { Rgba8 } from '../../../src/core/picture.ts';
import { resizePicture } from '../../../src/core/resize.ts';
import { golden, opaque } from '../../support/golden.ts';

interface AnalysisGolden {
  readonly height: number;
  readonly width: number;
  readonly a: number[];
  readonly b: number[];
  readonly reference: { readonly height: number; readonly width: number; readonly rgb8: number[] };
  readonly differences: readonly { readonly band: Band; readonly signed: boolean; readonly meanLevels: number; readonly rgb8: number[] }[];
  readonly mix: { readonly gain: number; readonly rgb8: number[] };
  readonly similarity: { readonly low: number; readonly high: number };
}

const { height, width, differences, mix, similarity, reference, ...pictures } = golden<AnalysisGolden>('analysis');
const a = opaque(height, width, pictures.a);
const b = opaque(height, width, pictures.b);

/** Float32 may round a value near a half the other way: at most one level. */
function expectLevels(picture: Rgba8, rgb8: number[]): void {
  const wanted = opaque(height, width, rgb8).rgba8;
  picture.rgba8.forEach((value, i) => {
    expect(Math.abs(value - (wanted[i] ?? Number.NaN))).toBeLessThanOrEqual(1);
  });
}

describe('a likeness', () => {
  it('is whole of a picture with itself, at any size, and of one tone', () => {
    expect(likeness(a, a)).toBeCloseTo(1, 9);
    expect(likeness(a, resizePicture(a, 3 * height, 3 * width, 'bicubic'))).toBeGreaterThan(0.98);
    const grey = opaque(
      4,
      6,
      Array.from({ length: 72 }, () => 90),
    );
    expect(likeness(grey, grey)).toBe(1);
  });

  it('is the same both ways, and little or none with something else', () => {
    expect(likeness(a, b)).toBeCloseTo(likeness(b, a), 9);
    const turned = { ...a, rgba8: a.rgba8.map((level, i) => (i % 4 === 3 ? 255 : 255 - level)) };
    expect(likeness(a, turned)).toBeCloseTo(-1, 2);
  });
});

describe('a difference’s gain', () => {
  it('magnifies the picture and not the figure', () => {
    const [plain, twice] = [1, 2].map((gain) => bandDifference(a, b, 'whole', false, gain));
    expect(twice?.meanLevels).toBe(plain?.meanLevels);
    plain?.picture.rgba8.forEach((level, i) => {
      if (i % 4 !== 3 && level < 120) expect(Math.abs((twice?.picture.rgba8[i] ?? 0) - 2 * level)).toBeLessThanOrEqual(1);
    });
  });
});

describe('band analysis', () => {
  it.each(differences)('finds the difference PyWavelets finds: $band, signed $signed', ({ band, signed, meanLevels, rgb8 }) => {
    const found = bandDifference(a, b, band, signed);
    expect(found.meanLevels).toBeCloseTo(meanLevels, 3);
    expectLevels(found.picture, rgb8);
  });

  it('finds none between equal pictures', () => {
    const { picture, meanLevels } = bandDifference(a, a, 'whole', true);
    expect(meanLevels).toBe(0);
    expect(new Set(picture.rgba8)).toEqual(new Set([128, 255]));
  });

  it('mixes the low band of one picture with the high band of another', () => {
    expectLevels(mixBands(a, b, mix.gain), mix.rgb8);
    expectLevels(mixBands(a, a, 1), pictures.a);
  });

  it('measures the similarity of each band to a reference of another size', () => {
    const wanted = resizePicture(opaque(reference.height, reference.width, reference.rgb8), a.height, a.width, 'bicubic');
    const found = bandSimilarity(bandViews(a), bandViews(wanted));
    expect(found.low).toBeCloseTo(similarity.low, 3);
    expect(found.high).toBeCloseTo(similarity.high, 3);
    expect(bandSimilarity(bandViews(a), bandViews(a))).toEqual({ low: 1, high: 1 });
  });

  it('takes no more floats at once than a strip has, and gives what the whole would', () => {
    for (const band of ['whole', 'low', 'high'] as const) {
      const [strips, whole] = [bandDifference(a, b, band, true, undefined, 3 * width), bandDifference(a, b, band, true)];
      expect(strips.picture).toEqual(whole.picture);
      expect(strips.meanLevels).toBeCloseTo(whole.meanLevels, 9);
    }
    expect(mixBands(a, b, 1.5, 3 * width)).toEqual(mixBands(a, b, 1.5));
    // a strip has two rows at least
    expect(mixBands(a, b, 1.5, 1)).toEqual(mixBands(a, b, 1.5));
  });

  it('refuses pictures of different sizes', () => {
    const small = opaque(1, 1, [0, 0, 0]);
    expect(() => bandDifference(a, small, 'whole', false)).toThrow(RangeError);
    expect(() => mixBands(a, small, 1)).toThrow(RangeError);
  });
});
