import { describe, expect, it } from 'vitest';
import { psnrY, ssimY } from '../../../src/core/metrics.ts';
import { golden, opaque } from '../../support/golden.ts';

interface MetricsGolden {
  readonly height: number;
  readonly width: number;
  readonly a: number[];
  readonly b: number[];
  readonly psnr: number;
  readonly ssim: number;
}

const pinned = golden<MetricsGolden>('metrics');
const a = opaque(pinned.height, pinned.width, pinned.a);
const b = opaque(pinned.height, pinned.width, pinned.b);

describe('psnrY', () => {
  it('equals scikit-image', () => {
    expect(psnrY(a, b)).toBeCloseTo(pinned.psnr, 5);
  });

  it('is infinite for equal pictures', () => {
    expect(psnrY(a, a)).toBe(Number.POSITIVE_INFINITY);
  });

  it('rejects pictures of unequal sizes, and ones that are all border', () => {
    expect(() => psnrY(a, opaque(1, 1, [0, 0, 0]))).toThrow(RangeError);
    expect(() => psnrY(opaque(8, 8, []), opaque(8, 8, []))).toThrow(RangeError);
  });
});

describe('ssimY', () => {
  it('equals scikit-image over valid windows', () => {
    expect(ssimY(a, b)).toBeCloseTo(pinned.ssim, 5);
  });

  it('is 1 for equal pictures and symmetric', () => {
    expect(ssimY(a, a)).toBeCloseTo(1, 12);
    expect(ssimY(a, b)).toBeCloseTo(ssimY(b, a), 12);
  });

  it('rejects pictures smaller than its window', () => {
    expect(() => ssimY(opaque(12, 40, []), opaque(12, 40, []))).toThrow(RangeError);
  });
});
