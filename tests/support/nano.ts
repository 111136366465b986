import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stackRows } from '../../src/core/picture.ts';
import type { RunEvent } from '../../src/protocol/events.ts';
import { type Manifest, parseManifest } from '../../src/protocol/manifest.ts';
import type { Image8, RestoreRequest } from '../../src/protocol/request.ts';

/** A bundle of a few thousand random weights, exported like the shipped ones. */
export const NANO_MODELS = fileURLToPath(new URL('../fixtures/models', import.meta.url));
export const NANO_ID = 'seesr-nano';
/** Its twin, whose denoiser alone was moved a little. */
export const NANO_RFSR_ID = 'seesr-nano-rfsr';

export function nanoManifestText(): string {
  return readFileSync(`${NANO_MODELS}/${NANO_ID}/manifest.json`, 'utf8');
}

export function nanoManifest(): Manifest {
  return parseManifest(nanoManifestText());
}

/** A small colourful picture without files. */
export function gradient(height: number, width: number): Image8 {
  const rgba8 = new Uint8ClampedArray(height * width * 4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rgba8.set([(x * 255) / width, (y * 255) / height, ((x ^ y) * 16) % 256, 255], 4 * (y * width + x));
  }
  return { height, width, rgba8 };
}

/** A request the nano bundle runs in a moment. */
export function nanoRequest(changes: Partial<RestoreRequest> = {}): RestoreRequest {
  return {
    image: gradient(20, 28),
    scale: 4,
    steps: 3,
    guidance: 2,
    seed: 7,
    sampler: 'ddpm',
    startPoint: 'lr',
    prompt: { tags: null, user: '', positive: 'clean, high-resolution, 8k', negative: 'dotted, noise, blur, lowres, smooth' },
    colorFix: 'wavelet',
    region: null,
    depth: 8,
    preview: 'bands',
    tileCells: null,
    ...changes,
  };
}

/** The finished picture of a run, put together from its rows. */
export function resultOf(events: readonly RunEvent[], runId?: string): Image8 {
  const rows = events.filter((event) => event.type === 'rows').filter((event) => runId === undefined || event.runId === runId);
  return stackRows(rows.map(({ image }) => image));
}

/** The event of a type among those sent; throws when there is none. */
export function eventOf<T extends RunEvent['type']>(events: readonly RunEvent[], type: T): Extract<RunEvent, { type: T }> {
  const found = events.find((event): event is Extract<RunEvent, { type: T }> => event.type === type);
  if (found === undefined) throw new Error(`expected an event ${type}, got ${events.map((event) => event.type).join(', ')}`);
  return found;
}
