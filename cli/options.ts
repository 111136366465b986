import { parseArgs } from 'node:util';
import { StudioError } from '../src/protocol/errors.ts';
import { DEFAULT_SAVE_OPTIONS, SAVE_FORMATS, type SaveFormat, type SaveOptions } from '../src/protocol/picture-file.ts';
import {
  CELL_PIXELS,
  COLOR_FIXES,
  type ColorFix,
  RANGES,
  SAMPLERS,
  type SamplerName,
  START_POINTS,
  type StartPoint,
  TILE_CELLS,
  type TileCells,
} from '../src/protocol/request.ts';

export const USAGE = `Usage: npm run upscale -- INPUT OUTPUT [options]
  INPUT, OUTPUT         two files, the second written as its ending says: .png, .jpg, .jpeg or .webp;
                        or two folders: every file of the first into the second, those there already skipped
  --model ID            bundle to run (default: the first one)
  --scale N             ${RANGES.scale.min} to ${RANGES.scale.max} (default 4)
  --steps N             denoising steps (default: the model's)
  --seed N              ${RANGES.seed.min} to ${RANGES.seed.max} (default 42)
  --guidance X          classifier-free guidance (default: the model's)
  --sampler NAME        ${SAMPLERS.join(' | ')} (default: the model's)
  --start-point NAME    ${START_POINTS.join(' | ')} (default: the model's)
  --prompt TEXT         words added to the tags
  --color-fix MODE      ${COLOR_FIXES.join(' | ')} (default: the model's)
  --tile N              largest tile in pixels: ${TILE_CELLS.map((cells) => CELL_PIXELS * cells).join(' | ')} (default: what the model and memory allow)
  --format NAME         ${SAVE_FORMATS.join(' | ')}, of what is written into a folder (default ${DEFAULT_SAVE_OPTIONS.format})
  --quality N           ${RANGES.quality.min} to ${RANGES.quality.max}, of JPEG and WebP (default ${DEFAULT_SAVE_OPTIONS.quality})
  --depth N             8 or 16 bits per channel, of PNG (default ${DEFAULT_SAVE_OPTIONS.depth})
  --metadata MODE       keep | strip: the input's EXIF and XMP, and the recipe (default ${DEFAULT_SAVE_OPTIONS.metadata}); its colour profile stays
  --frames DIR          write every step's picture and bands there, and the first stage's picture where there is one;
                        of a folder, each file's in a folder of its own
  --backend NAME        cpu | webgpu (default cpu)
  --jobs N              files of a folder at a time (default 1)
  --models DIR          folder of bundles (default: the studio's own)
  --plan                print what the run would take as JSON, and stop
  --json                print one JSON object, of a folder one a file
  --help                this text`;

export interface CliOptions {
  readonly input: string;
  readonly output: string;
  readonly model: string | null;
  readonly scale: number | null;
  readonly steps: number | null;
  readonly seed: number | null;
  readonly guidance: number | null;
  readonly sampler: SamplerName | null;
  readonly startPoint: StartPoint | null;
  readonly prompt: string;
  readonly colorFix: ColorFix | null;
  readonly save: Omit<SaveOptions, 'format'>;
  /** Of a folder's results; null for the default, and always where files are named. */
  readonly format: SaveFormat | null;
  readonly frames: string | null;
  readonly backend: 'cpu' | 'webgpu';
  readonly jobs: number;
  readonly tileCells: TileCells | null;
  readonly plan: boolean;
  readonly models: string | null;
  readonly json: boolean;
}

/** The command line's words. Throws StudioError `option-invalid` naming what is wrong; null asks for help. */
export function parseOptions(words: readonly string[]): CliOptions | null {
  const { values, positionals } = read(words);
  if (values.help === true) return null;
  const [input, output, ...rest] = positionals;
  if (input === undefined || output === undefined || rest.length > 0) {
    throw bad(`Expected INPUT and OUTPUT, got ${positionals.length} file names.`);
  }
  return {
    input,
    output,
    model: values.model ?? null,
    scale: numeric('scale', values.scale),
    steps: numeric('steps', values.steps),
    seed: numeric('seed', values.seed),
    guidance: numeric('guidance', values.guidance),
    sampler: choice('sampler', values.sampler, SAMPLERS),
    startPoint: choice('start-point', values['start-point'], START_POINTS),
    prompt: values.prompt ?? '',
    colorFix: choice('color-fix', values['color-fix'], COLOR_FIXES),
    save: {
      quality: whole('quality', values.quality, RANGES.quality.min, RANGES.quality.max) ?? DEFAULT_SAVE_OPTIONS.quality,
      depth: choice('depth', values.depth, ['8', '16'] as const) === '16' ? 16 : 8,
      metadata: choice('metadata', values.metadata, ['keep', 'strip'] as const) ?? DEFAULT_SAVE_OPTIONS.metadata,
    },
    format: choice('format', values.format, SAVE_FORMATS),
    frames: values.frames ?? null,
    backend: choice('backend', values.backend, ['cpu', 'webgpu'] as const) ?? 'cpu',
    jobs: whole('jobs', values.jobs, 1, Number.MAX_SAFE_INTEGER) ?? 1,
    tileCells: tileOf(values.tile),
    plan: values.plan === true,
    models: values.models ?? null,
    json: values.json === true,
  };
}

function read(words: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        model: text,
        scale: text,
        steps: text,
        seed: text,
        guidance: text,
        sampler: text,
        'start-point': text,
        prompt: text,
        'color-fix': text,
        format: text,
        quality: text,
        depth: text,
        metadata: text,
        frames: text,
        backend: text,
        jobs: text,
        tile: text,
        models: text,
        plan: flag,
        json: flag,
        help: flag,
      },
    });
  } catch (cause) {
    throw bad(cause instanceof Error ? cause.message : String(cause));
  }
}

function numeric(name: string, value: string | undefined): number | null {
  if (value === undefined) return null;
  const number = Number(value);
  if (value.trim() === '' || !Number.isFinite(number)) throw bad(`Expected a number for --${name}, got “${value}”.`);
  return number;
}

function whole(name: string, value: string | undefined, min: number, max: number): number | null {
  const number = numeric(name, value);
  if (number === null) return null;
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  throw bad(`Expected a whole number ${range} for --${name}, got ${number}.`);
}

function tileOf(value: string | undefined): TileCells | null {
  const pixels = numeric('tile', value);
  if (pixels === null) return null;
  const cells = TILE_CELLS.find((known) => CELL_PIXELS * known === pixels);
  if (cells === undefined) throw bad(`Expected ${TILE_CELLS.map((known) => CELL_PIXELS * known).join(', ')} for --tile, got ${pixels}.`);
  return cells;
}

function choice<const T extends readonly string[]>(name: string, value: string | undefined, allowed: T): T[number] | null {
  if (value === undefined) return null;
  if (!allowed.includes(value)) throw bad(`Expected ${allowed.join(', ')} for --${name}, got “${value}”.`);
  return value;
}

function bad(message: string): StudioError {
  return new StudioError('option-invalid', message);
}
