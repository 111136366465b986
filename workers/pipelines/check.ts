import { StudioError } from '../../src/protocol/errors.ts';
import { type Field, integer, number } from '../../src/protocol/parse.ts';
import {
  ALPHA_USES,
  COLOR_FIXES,
  DEPTHS,
  type Extent,
  PREVIEW_MODES,
  RANGES,
  type Region,
  type RestoreRequest,
  SAMPLERS,
  START_POINTS,
  TILE_CELLS,
} from '../../src/protocol/request.ts';

/** Throws StudioError `option-invalid` naming the first value out of range, or an `image-*` error for an impossible picture. */
export function checkRequest(request: RestoreRequest): void {
  const { image, scale, steps, guidance, seed } = request;
  if (image.height < 1 || image.width < 1 || image.rgba8.length !== image.height * image.width * 4) {
    throw new StudioError('image-empty', 'The picture has no pixels.');
  }
  readOption('scale', integer(RANGES.scale), scale);
  readOption('steps', integer(RANGES.steps), steps);
  readOption('guidance', number(RANGES.guidance), guidance);
  readOption('seed', integer(RANGES.seed), seed);
  oneOf('color fix', request.colorFix, COLOR_FIXES);
  oneOf('sampler', request.sampler, SAMPLERS);
  oneOf('start point', request.startPoint, START_POINTS);
  oneOf('preview', request.preview, PREVIEW_MODES);
  if (request.alpha !== undefined) oneOf('alpha', request.alpha, ALPHA_USES);
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

function readOption(name: string, field: Field<number>, value: number): void {
  field(value, name, (_, expected) => {
    throw new StudioError('option-invalid', `Expected ${expected} for ${name}, got ${value}.`, {
      details: { option: name, value: String(value) },
    });
  });
}

function oneOf(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw new StudioError('option-invalid', `Expected ${allowed.join(', ')} for ${name}, got ${value}.`, {
    details: { option: name, value },
  });
}
