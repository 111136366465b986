import type { Manifest } from '../protocol/manifest.ts';

/** A span of the x axis, in steps counted from 1, that RFSR was trained in. */
export interface ShadedWindow {
  readonly name: 'early' | 'late';
  readonly from: number;
  readonly to: number;
}

/** The training's windows on an axis of `count` steps. */
export function shadedWindows(windows: Manifest['windows'], count: number): readonly ShadedWindow[] {
  if (windows === undefined) return [];
  return (['early', 'late'] as const).flatMap((name) => {
    const [first = 0, end = 0] = windows[name];
    // a step is drawn at its number, so its share of the axis reaches half a step to each side
    return end > first ? [{ name, from: (first / windows.steps) * count + 0.5, to: (end / windows.steps) * count + 0.5 }] : [];
  });
}
