import { describe, expect, it } from 'vitest';
import { workingSizes } from '../../../src/plan/working-size.ts';
import type { Family } from '../../../src/protocol/families.ts';
import type { Manifest } from '../../../src/protocol/manifest.ts';
import { nanoManifest } from '../../support/nano.ts';

/** A model of a family with the nano's other numbers: multiples of 32, at least 64 a side. */
function modelOf(family: Family): Pick<Manifest, 'family' | 'image'> {
  return { family, image: nanoManifest().image };
}

function sides({ height, width }: { readonly height: number; readonly width: number }): readonly [number, number] {
  return [height, width];
}

describe('the sizes of a run', () => {
  it.each([
    ['seesr', [20, 28], 4, [20, 28], [64, 96], [64, 96]],
    ['diffbir', [20, 28], 4, [20, 28], [96, 128], [80, 112]],
    // a strip is continued to the least side, not enlarged to it
    ['seesr', [1, 200], 4, [16, 200], [64, 800], [4, 800]],
    ['diffbir', [1, 200], 4, [16, 200], [64, 800], [4, 800]],
    ['pasd', [16_000, 2], 4, [16_000, 16], [64_000, 64], [64_000, 8]],
    ['pasd', [1, 1], 2, [32, 32], [64, 64], [2, 2]],
    // 64 / 3 rounds up
    ['seesr', [9, 30], 3, [22, 30], [64, 64], [27, 64]],
  ] as const)('of %s for %j at ×%d', (family, [height, width], scale, input, working, visible) => {
    const sizes = workingSizes(modelOf(family), { height, width }, scale);
    expect([sizes.input, sizes.working, sizes.visible].map(sides)).toEqual([input, working, visible]);
    expect(sides(sizes.enlarged)).toEqual(input.map((side) => side * scale));
    expect(sides(sizes.output)).toEqual([height * scale, width * scale]);
  });

  it.each(['seesr', 'diffbir', 'pasd'] as const)('of %s never see more than a multiple beyond the least and the result', (family) => {
    const { multipleOf, minSide } = nanoManifest().image;
    for (let side = 1; side < 70; side++) {
      const { working, visible, output } = workingSizes(modelOf(family), { height: side, width: 300 }, 2);
      expect(working.height).toBeLessThan(Math.max(minSide + 2, output.height) + multipleOf);
      expect(working.width).toBeLessThan(output.width + multipleOf);
      expect(visible.height).toBeGreaterThan(0);
      expect(visible.height).toBeLessThanOrEqual(Math.min(working.height, output.height));
      expect(visible.width).toBeLessThanOrEqual(working.width);
    }
  });
});
