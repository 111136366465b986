import { StudioError } from '../../src/protocol/errors.ts';
import {
  COLOR_FIXES,
  DEPTHS,
  type Extent,
  PREVIEW_MODES,
  type Region,
  type RestoreRequest,
  SAMPLERS,
  START_POINTS,
  TILE_CELLS,
} from '../../src/protocol/request.ts';

const MAX_SCALE = 4;
const MAX_STEPS = 200;
const MAX_GUIDANCE = 20;
const MAX_SEED = 2 ** 32 - 1;

/** Throws StudioError `option-invalid` naming the first value out of range, or an `image-*` error for an impossible picture. */
export function checkRequest(request: RestoreRequest): void {
  const { image, scale, steps, guidance, seed } = request;
  if (image.height < 1 || image.width < 1 || image.rgba8.length !== image.height * image.width * 4) {
    throw new StudioError('image-empty', 'The picture has no pixels.');
  }
  within('scale', scale, 1, MAX_SCALE, Number.isInteger(scale));
  within('steps', steps, 1, MAX_STEPS, Number.isInteger(steps));
  within('guidance', guidance, 0, MAX_GUIDANCE, Number.isFinite(guidance));
  within('seed', seed, 0, MAX_SEED, Number.isInteger(seed));
  oneOf('color fix', request.colorFix, COLOR_FIXES);
  oneOf('sampler', request.sampler, SAMPLERS);
  oneOf('start point', request.startPoint, START_POINTS);
  oneOf('preview', request.preview, PREVIEW_MODES);
  if (request.tileCells !== null) oneOf('tile cells', String(request.tileCells), TILE_CELLS.map(String));
  oneOf('depth', String(request.depth), DEPTHS.map(String));
  if (request.region !== null) checkRegion(request.region, image);
}

function checkRegion({ top, left, height, width }: Region, image: Extent): void {
  const sound = [top, left, height, width].every(Number.isInteger) && top >= 0 && left >= 0 && height >= 1 && width >= 1;
  if (sound && top + height <= image.height && left + width <= image.width) return;
  throw new StudioError('option-invalid', `Expected a region inside the ${image.width}×${image.height} picture.`, {
    details: { option: 'region', region: { top, left, height, width } },
  });
}

function within(name: string, value: number, low: number, high: number, sound: boolean): void {
  if (sound && value >= low && value <= high) return;
  const kind = name === 'guidance' ? 'a number' : 'a whole number';
  throw new StudioError('option-invalid', `Expected ${kind} from ${low} to ${high} for ${name}, got ${value}.`, {
    details: { option: name, value: String(value) },
  });
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new StudioError('option-invalid', `Expected ${allowed.join(', ')} for ${name}, got ${value}.`, {
    details: { option: name, value },
  });
}
