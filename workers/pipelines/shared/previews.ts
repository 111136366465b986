import type { Area } from '../../../src/core/area.ts';
import { bandChanges, bandEnergies, type HaarBands, haar, highView, lowView } from '../../../src/core/dwt.ts';
import { type Rgba8, stackRows, toPicture } from '../../../src/core/picture.ts';
import { type PlaneSource, STRIP_PIXELS, stripsOf } from '../../../src/core/sources.ts';
import { clamp01, reduce } from '../../../src/core/tensor.ts';
import { KEPT_BANDS_PIXELS } from '../../../src/plan/held.ts';
import type { BandStatistics, StepPreviews } from '../../../src/protocol/events.ts';

/** Pixels of a step that is decoded in full on demand. */
export const FULL_PIXELS = 2 ** 24;

/**
 * What a lane's newest step leaves for the change to the next: its bands, strip by strip, so that each step is decoded and transformed once; of
 * more than KEPT_BANDS_PIXELS the prediction, which is decoded once more.
 */
export class PreviousStep {
  readonly #strips: HaarBands[] = [];
  #prediction: PlaneSource | null = null;

  /** The bands of a strip of it; null at the first step. */
  async bands(index: number, strip: Area): Promise<HaarBands | null> {
    if (this.#prediction !== null) return haar(clamp01(await this.#prediction.read(strip)));
    return this.#strips[index] ?? null;
  }

  /** Takes the bands of the same strip of the step that follows. */
  keep(index: number, bands: HaarBands, area: Area): void {
    if (isKept(area)) this.#strips[index] = bands;
  }

  /** Takes the whole of the step that follows, once all its strips were. */
  become(prediction: PlaneSource, area: Area): void {
    this.#prediction = isKept(area) ? null : prediction;
  }
}

function isKept({ height, width }: Area): boolean {
  return height * width <= KEPT_BANDS_PIXELS;
}

/**
 * An area of a decoded x0 prediction, rgb01, and its one-level Haar bands as pictures of at most about `pixels`, with statistics of the
 * bands at full size. `previous`: the step before, which this one takes the place of; null where steps are not compared.
 */
export async function previewsOf(
  now: PlaneSource,
  previous: PreviousStep | null,
  area: Area,
  pixels: number,
  stripPixels = STRIP_PIXELS,
): Promise<StepPreviews> {
  const factor = reduction(area, pixels);
  const views: Record<'x0' | 'low' | 'high', Rgba8[]> = { x0: [], low: [], high: [] };
  const statistics = new WeightedMean();
  let compared = false;
  for (const [index, strip] of stripsOf(area, 2 * factor, stripPixels).entries()) {
    const planes = clamp01(await now.read(strip));
    const bands = haar(planes);
    const before = (await previous?.bands(index, strip)) ?? null;
    compared = before !== null;
    const changes = before === null ? { lowChange: 0, highChange: 0 } : bandChanges(before, bands);
    previous?.keep(index, bands, area);
    statistics.add({ ...bandEnergies(bands), ...changes }, strip.height * strip.width);
    views.x0.push(toPicture(reduce(planes, factor)));
    views.low.push(toPicture(reduce(lowView(bands), factor)));
    views.high.push(toPicture(reduce(highView(bands), factor)));
  }
  previous?.become(now, area);
  const { lowEnergy, highEnergy, lowChange, highChange } = statistics.mean();
  const changed = compared ? { lowChange, highChange } : { lowChange: null, highChange: null };
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
