import { useState } from 'react';
import { readLocal, writeLocal } from '../store/local-values.ts';

/** Which parts of the page are folded, and how high the timeline is, in CSS pixels; null as the window allows. */
export interface Layout {
  readonly pictures: boolean;
  readonly settings: boolean;
  readonly steps: boolean;
  readonly stepsHeight: number | null;
}

const STORAGE_KEY = 'layout';
const OPEN: Layout = { pictures: false, settings: false, steps: false, stepsHeight: null };

/** The layout as it was left in this browser, and a way to change it. */
export function useLayout(): readonly [Layout, (changes: Partial<Layout>) => void] {
  const [layout, setLayout] = useState(storedLayout);
  const change = (changes: Partial<Layout>): void =>
    setLayout((before) => {
      const next = { ...before, ...changes };
      writeLocal(STORAGE_KEY, JSON.stringify(next));
      return next;
    });
  return [layout, change];
}

function storedLayout(): Layout {
  let stored: unknown;
  try {
    stored = JSON.parse(readLocal(STORAGE_KEY) ?? 'null');
  } catch {
    // another version's
  }
  if (typeof stored !== 'object' || stored === null) return OPEN;
  const { pictures, settings, steps, stepsHeight } = stored as Partial<Record<keyof Layout, unknown>>;
  const height = typeof stepsHeight === 'number' && Number.isFinite(stepsHeight) ? stepsHeight : null;
  return { pictures: pictures === true, settings: settings === true, steps: steps === true, stepsHeight: height };
}
