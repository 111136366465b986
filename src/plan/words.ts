import type { Manifest } from '../protocol/manifest.ts';
import type { GraphWork } from './work.ts';

/** Longer times are told in minutes. */
const LONGEST_IN_SECONDS = 90;

/** How the denoiser sees the picture: `in one piece`, or `4 tiles of 1024×768, each step`. */
export function tileWords(graphs: readonly GraphWork[], { latent }: Pick<Manifest, 'latent'>): string {
  const denoiser = graphs.find(({ role }) => role === 'denoiser');
  if (denoiser === undefined || denoiser.pieces === 1) return 'in one piece';
  const { height, width } = denoiser.cells;
  return `${denoiser.pieces} tiles of ${latent.factor * width}×${latent.factor * height}, each step`;
}

/** Why so. `tileCells`: what was planned with; `asked`: what the request says. */
export function tileReason(
  graphs: readonly GraphWork[],
  { latent, graphs: roles }: Manifest,
  tileCells: number | null,
  asked: number | null,
): string {
  const denoiser = graphs.find(({ role }) => role === 'denoiser');
  if (denoiser === undefined || denoiser.pieces === 1) return 'The model sees the whole picture at once.';
  const tiling = roles.denoiser[0]?.tiling;
  const own = tiling?.kind === 'blend' ? latent.factor * tiling.tile : 0;
  if (tileCells !== asked) return `Tiles are smaller than the model could see, so that the run fits this device’s memory.`;
  if (tileCells !== null && latent.factor * tileCells < own) return 'Tiles are as small as you chose: they need less memory and more time.';
  return `The model sees at most ${own} pixels a side at once; tiles overlap and are blended in every step.`;
}

/** `0.9 GB`. */
export function gigabytes(bytes: number): string {
  return `${Math.max(0.1, bytes / 1e9).toFixed(1)} GB`;
}

/** `about 12 s`, `about 3 min`, `about 2 h`: no more digits than an estimate has. */
export function aboutTime(seconds: number): string {
  if (seconds < LONGEST_IN_SECONDS) return `about ${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `about ${minutes} min` : `about ${Math.round(minutes / 60)} h`;
}
