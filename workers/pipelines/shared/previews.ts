import type { Area } from '../../../src/core/area.ts';
import { bandChanges, bandEnergies, haar, highView, lowView } from '../../../src/core/dwt.ts';
import { type Rgba8, stackRows, toPicture } from '../../../src/core/picture.ts';
import { type PlaneSource, stripsOf } from '../../../src/core/sources.ts';
import { clamp01, reduce } from '../../../src/core/tensor.ts';
import type { BandStatistics, StepPreviews } from '../../../src/protocol/events.ts';

/** Pixels of a step that is decoded in full on demand. */
export const FULL_PIXELS = 2 ** 24;

/**
 * An area of a decoded x0 prediction, rgb01, and its one-level Haar bands as pictures of at most about `pixels`, with statistics of the
 * bands at full size. `before`: the prediction of the step before; null at the first.
 */
export async function previewsOf(now: PlaneSource, before: PlaneSource | null, area: Area, pixels: number): Promise<StepPreviews> {
  const factor = reduction(area, pixels);
  const views: Record<'x0' | 'low' | 'high', Rgba8[]> = { x0: [], low: [], high: [] };
  const statistics = new WeightedMean();
  for (const strip of stripsOf(area, 2 * factor)) {
    const planes = clamp01(await now.read(strip));
    const bands = haar(planes);
    const changes = before === null ? { lowChange: 0, highChange: 0 } : bandChanges(haar(clamp01(await before.read(strip))), bands);
    statistics.add({ ...bandEnergies(bands), ...changes }, strip.height * strip.width);
    views.x0.push(toPicture(reduce(planes, factor)));
    views.low.push(toPicture(reduce(lowView(bands), factor)));
    views.high.push(toPicture(reduce(highView(bands), factor)));
  }
  const { lowEnergy, highEnergy, lowChange, highChange } = statistics.mean();
  const changed = before === null ? { lowChange: null, highChange: null } : { lowChange, highChange };
  return {
    x0: stackRows(views.x0),
    low: stackRows(views.low),
    high: stackRows(views.high),
    statistics: { lowEnergy, highEnergy, ...changed },
  };
}

/** An area of rgb01 planes as a picture of at most about `pixels`, as the views of steps are. */
export async function reducedPicture(planes: PlaneSource, area: Area, pixels: number): Promise<Rgba8> {
  const factor = reduction(area, pixels);
  const parts: Rgba8[] = [];
  for (const strip of stripsOf(area, factor)) parts.push(toPicture(reduce(await planes.read(strip), factor)));
  return stackRows(parts);
}

function reduction({ height, width }: Area, pixels: number): number {
  return Math.max(1, Math.ceil(Math.sqrt((height * width) / pixels)));
}

type Figures = Readonly<Record<keyof BandStatistics, number>>;

/** Figures of strips, each counting by its pixels. */
class WeightedMean {
  #weight = 0;
  #sum: Figures = { lowEnergy: 0, highEnergy: 0, lowChange: 0, highChange: 0 };

  add(figures: Figures, weight: number): void {
    this.#weight += weight;
    this.#sum = combine(this.#sum, figures, (sum, figure) => sum + figure * weight);
  }

  mean(): Figures {
    return combine(this.#sum, this.#sum, (sum) => sum / this.#weight);
  }
}

function combine(a: Figures, b: Figures, merge: (a: number, b: number) => number): Figures {
  return {
    lowEnergy: merge(a.lowEnergy, b.lowEnergy),
    highEnergy: merge(a.highEnergy, b.highEnergy),
    lowChange: merge(a.lowChange, b.lowChange),
    highChange: merge(a.highChange, b.highChange),
  };
}
