import { isAbsolute, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { StudioError } from '../src/protocol/errors.ts';
import { DEFAULT_SAVE_OPTIONS, HEX_COLOUR, PAPER, SAVE_FORMATS, type SaveFormat, type SaveOptions } from '../src/protocol/picture-file.ts';
import {
  ALPHA_USES,
  type AlphaUse,
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
                        - for standard input and output;
                        or two folders: every file of the first into the second, those there already skipped
  --recursive           of a folder, the folders in it too
  --overwrite           results take the place of what is there, be it the input
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
  --alpha USE           ${ALPHA_USES.join(' | ')}: whether it hides colours, or is a channel beside them (default: as it looks)
  --page N              which page or frame of a file that has several, from 1; all: each into a file of its own, OUTPUT-1, OUTPUT-2, …
                        (default 1)
  --format NAME         ${SAVE_FORMATS.join(' | ')}, of what is written into a folder or to standard output (default ${DEFAULT_SAVE_OPTIONS.format})
  --quality N           ${RANGES.quality.min} to ${RANGES.quality.max}, of JPEG and WebP (default ${DEFAULT_SAVE_OPTIONS.quality})
  --depth N             8 or 16 bits per channel, of PNG (default: the input's)
  --metadata MODE       keep | strip: what the input said of itself, and the recipe (default ${DEFAULT_SAVE_OPTIONS.metadata}); its colour profile
                        and its resolution stay
  --location MODE       keep | strip: of what is kept, the coordinates of where the picture was taken (default ${DEFAULT_SAVE_OPTIONS.location})
  --background COLOUR   what shows in a JPEG where the picture is transparent, as #rrggbb (default ${PAPER})
  --frames DIR          write every step's picture and bands there, and the first stage's picture where there is one;
                        of a folder, each file's in a folder of its own
  --backend NAME        cpu | webgpu (default cpu)
  --jobs N              files of a folder at a time (default 1)
  --models DIR          folder of bundles (default: the studio's own)
  --plan                print what the run would take as JSON, and stop
  --json                print one JSON object, of a folder one a file, and nothing else on standard output
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
  readonly alpha: AlphaUse | null;
  /** From 0; all for each in turn. */
  readonly page: number | 'all';
  readonly save: Omit<SaveOptions, 'format' | 'depth'>;
  /** Null for the input's. */
  readonly depth: 8 | 16 | null;
  /** Of a folder's results and of standard output; null for the default, and always where files are named. */
  readonly format: SaveFormat | null;
  readonly recursive: boolean;
  readonly overwrite: boolean;
  readonly frames: string | null;
  readonly backend: 'cpu' | 'webgpu';
  readonly jobs: number;
  readonly tileCells: TileCells | null;
  readonly plan: boolean;
  readonly models: string | null;
  readonly json: boolean;
}

/** The name of standard input and output. */
export const STANDARD = '-';

/** A path as the caller means it: npm runs scripts in the project's folder, wherever it was called. */
function placeOf(path: string): string {
  const { INIT_CWD, npm_lifecycle_event } = process.env;
  const from = npm_lifecycle_event === 'upscale' && INIT_CWD !== undefined ? INIT_CWD : process.cwd();
  return path === STANDARD ? STANDARD : isAbsolute(path) ? path : relative(process.cwd(), resolve(from, path)) || '.';
}

/** The command line's words. Throws StudioError `option-invalid` naming what is wrong; null asks for help. */
export function parseOptions(words: readonly string[]): CliOptions | null {
  const { values, positionals } = read(words);
  if (values.help === true) return null;
  const [input, output, ...rest] = positionals;
  if (input === undefined || output === undefined || rest.length > 0) {
    throw bad(`Expected INPUT and OUTPUT, got ${positionals.length} file names.`);
  }
  const json = values.json === true;
  if (json && output === STANDARD) throw bad('Expected a file for OUTPUT beside --json: both would be on standard output.');
  return {
    input: placeOf(input),
    output: placeOf(output),
    model: values.model ?? null,
    scale: numeric('scale', values.scale),
    steps: numeric('steps', values.steps),
    seed: numeric('seed', values.seed),
    guidance: numeric('guidance', values.guidance),
    sampler: choice('sampler', values.sampler, SAMPLERS),
    startPoint: choice('start-point', values['start-point'], START_POINTS),
    prompt: values.prompt ?? '',
    colorFix: choice('color-fix', values['color-fix'], COLOR_FIXES),
    alpha: choice('alpha', values.alpha, ALPHA_USES),
    page: values.page === 'all' ? 'all' : (whole('page', values.page, 1, Number.MAX_SAFE_INTEGER) ?? 1) - 1,
    depth: values.depth === undefined ? null : choice('depth', values.depth, ['8', '16'] as const) === '16' ? 16 : 8,
    save: {
      quality: whole('quality', values.quality, RANGES.quality.min, RANGES.quality.max) ?? DEFAULT_SAVE_OPTIONS.quality,
      metadata: choice('metadata', values.metadata, ['keep', 'strip'] as const) ?? DEFAULT_SAVE_OPTIONS.metadata,
      location: choice('location', values.location, ['keep', 'strip'] as const) ?? DEFAULT_SAVE_OPTIONS.location,
      background: colourOf(values.background),
    },
    format: choice('format', values.format, SAVE_FORMATS),
    recursive: values.recursive === true,
    overwrite: values.overwrite === true,
    frames: values.frames === undefined ? null : placeOf(values.frames),
    backend: choice('backend', values.backend, ['cpu', 'webgpu'] as const) ?? 'cpu',
    jobs: whole('jobs', values.jobs, 1, Number.MAX_SAFE_INTEGER) ?? 1,
    tileCells: tileOf(values.tile),
    plan: values.plan === true,
    models: values.models === undefined ? null : placeOf(values.models),
    json,
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
        alpha: text,
        page: text,
        recursive: flag,
        overwrite: flag,
        format: text,
        quality: text,
        depth: text,
        metadata: text,
        location: text,
        background: text,
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
    // what follows its first sentence is how to name files that begin with a dash
    throw bad(`${(cause instanceof Error ? cause.message : String(cause)).split('. ')[0]?.replace(/\.$/, '')}.`);
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

function colourOf(value: string | undefined): string | null {
  if (value === undefined) return null;
  const colour = value.toLowerCase();
  if (!HEX_COLOUR.test(colour)) throw bad(`Expected a colour as #rrggbb for --background, got “${value}”.`);
  return colour;
}

function bad(message: string): StudioError {
  return new StudioError('option-invalid', message);
}
