import { expect, it } from 'vitest';
import { wholeArea } from '../../../../../src/core/area.ts';
import { bandChanges, haar } from '../../../../../src/core/dwt.ts';
import { NoiseGenerator } from '../../../../../src/core/random.ts';
import { clamp01, type Tensor } from '../../../../../src/core/tensor.ts';
import { PreviousStep, previewsOf } from '../../../../../workers/pipelines/shared/previews.ts';
import { sourceOf } from '../../../../support/golden.ts';

const ROWS_PER_STRIP = 4;
const [HEIGHT, WIDTH] = [14, 10];

it('each step is read once in all its strips, and its change is that of the whole', async () => {
  const noise = new NoiseGenerator(5);
  const previous = new PreviousStep();
  let [read, before]: [number, Tensor | null] = [0, null];
  for (let step = 0; step < 3; step++) {
    const planes = clamp01(noise.normal([1, 3, HEIGHT, WIDTH]));
    const source = sourceOf(planes);
    const counted = {
      ...source,
      read: (area: Parameters<typeof source.read>[0]) => {
        read += area.height * area.width;
        return source.read(area);
      },
    };
    const { statistics } = await previewsOf(counted, previous, wholeArea(source), 1e6, ROWS_PER_STRIP * WIDTH);
    expect(read).toBe((step + 1) * HEIGHT * WIDTH);
    if (before === null) expect(statistics.lowChange).toBeNull();
    else {
      const whole = bandChanges(haar(before), haar(planes));
      expect(statistics.lowChange).toBeCloseTo(whole.lowChange, 6);
      expect(statistics.highChange).toBeCloseTo(whole.highChange, 6);
    }
    before = planes;
  }
});
