import { StudioError } from './errors.ts';
import { FAMILIES } from './families.ts';
import { array, type Field, integer, literal, nullable, number, object, optional, record, string, union } from './parse.ts';
import { COLOR_FIXES, RANGES, SAMPLERS, START_POINTS } from './request.ts';

const SHA256 = /^[0-9a-f]{64}$/;

const positive = integer({ min: 1 });

const file = object({ path: string(), sizeBytes: integer(), sha256: string(SHA256) });

const port = object({
  name: string(),
  /** Of what crosses; inside, a graph may compute in another. */
  dtype: literal('float32', 'int64'),
  /** Numbers are fixed; names are free but equal wherever they recur; `8*h` is eight times `h`. */
  dims: array(union(integer(), string(/^(\d+\*)?[A-Za-z]\w*$/))),
});

const fill = union(object({ kind: literal('ramp'), scale: number() }), object({ kind: literal('values'), values: array(number()) }));

const canary = object({
  inputs: record(object({ dims: array(integer()), fill })),
  outputs: record(object({ dims: array(integer()), mean: number(), std: number(), first: array(number()) })),
  /** Allowed error, in standard deviations of the output. */
  tolerance: number(),
});

/** What a run of batch 1 on n latent cells takes beyond the loaded graph grows as fixed + per cell · n + per squared cell · n²; a batch of two takes twice. The largest tensor: where it grows with the cells alone. */
const memory = object({
  loadedBytes: number(),
  fixedBytes: number(),
  bytesPerCell: number(),
  bytesPerCellSquared: number(),
  tensorBytesPerCell: optional(number()),
});
/** Multiply-accumulates of such a run, growing alike. */
const macs = object({ fixed: number(), perCell: number(), perCellSquared: number() });

/** How a graph is run on more than it can hold at once; in latent cells. Without one it always sees the whole. */
const tiling = union(
  /** Nothing farther than `cells` away matters: parts of `part` cells a side, computed with that much around, make up the whole exactly. */
  object({ kind: literal('halo'), cells: integer(), part: positive }),
  /** Everything matters: tiles that overlap are blended. */
  object({ kind: literal('blend'), tile: positive, overlap: integer() }),
);

const flag = union(literal(true), literal(false));

/** What ONNX Runtime does for speed that a large graph may have no memory for. */
const session = object({ memoryArena: flag, memoryPattern: flag, prepacking: flag });

const graph = object({
  id: string(),
  files: array(file),
  weightDtype: literal('float16', 'float32'),
  computeDtype: literal('float16', 'float32'),
  inputs: array(port),
  outputs: array(port),
  /** WebGPU features or limits the graph cannot do without. */
  requires: array(string()),
  tiling: optional(tiling),
  /** All of it where nothing is said. */
  session: optional(session),
  canary,
  memory,
  macs,
});

/** A role is a chain: an output whose name a later graph takes as input is passed on. */
const chain = array(graph);

const manifest = object({
  schema: literal(1),
  id: string(/^[a-z0-9-]+$/),
  title: string(),
  family: literal(...FAMILIES),
  variant: literal('base', 'rfsr'),
  /** Whether the tagger's tags go into the prompt. */
  tagged: flag,
  size: literal('mini', 'full'),
  pairedWith: nullable(string()),
  license: string(),
  image: object({
    scale: integer(),
    multipleOf: positive,
    /** What DiffBIR pads with up to whole multiples: zeros as published, unless the bundle says the picture's own edge. */
    padding: optional(literal('zeros', 'edge')),
    /**
     * What the decoder's picture is. `whole`: the result. `correction`: the first stage's picture is the result's start, and the difference that
     * decoding makes between the sample and that picture's own latent is added, so that what the autoencoder cannot carry is not lost.
     */
    decoding: optional(literal('whole', 'correction')),
    /** A side of the working picture that is shorter is continued to this many pixels by its mirror image (see plan/working-size.ts). */
    minSide: integer(),
    workingSide: integer(),
    colorFix: literal(...COLOR_FIXES),
  }),
  latent: object({ channels: positive, factor: positive, scale: number(), shift: number() }),
  graphs: object({
    tagger: chain,
    textEncoder: chain,
    /** A first stage that removes degradation before diffusion starts: the degraded picture to the restored one, at the same size. */
    restorer: optional(chain),
    vaeEncoder: chain,
    vaeDecoder: chain,
    previewDecoder: optional(chain),
    /** The part of the denoiser that sees the upscaled input and is the same at every step. */
    conditionEncoder: optional(chain),
    denoiser: chain,
  }),
  tokenizer: object({ path: string(), sizeBytes: integer(), sha256: string(SHA256), padId: integer(), maxLength: integer() }),
  tags: object({ labels: array(string()), thresholds: array(number()) }),
  scheduler: object({
    num_train_timesteps: integer(),
    beta_start: number(),
    beta_end: number(),
    beta_schedule: literal('scaled_linear'),
    steps_offset: integer(),
    timestep_spacing: literal('leading'),
    prediction_type: literal('epsilon', 'v_prediction', 'sample'),
    clip_sample: literal(false),
    set_alpha_to_one: flag,
    variance_type: literal('fixed_small'),
  }),
  /** Steps RFSR was trained in, of `steps` in all, each from the first to before the second: the low band's, and the rewards'. */
  windows: optional(object({ steps: integer(), early: array(integer()), late: array(integer()) })),
  sampling: object({
    sampler: literal(...SAMPLERS),
    steps: integer(RANGES.steps),
    guidance: number(RANGES.guidance),
    startPoint: literal(...START_POINTS),
    positivePrompt: string(),
    negativePrompt: string(),
  }),
});

const listed = object({
  id: string(),
  title: string(),
  family: literal(...FAMILIES),
  variant: literal('base', 'rfsr'),
  size: literal('mini', 'full'),
  manifest: string(),
  sizeBytes: integer(),
});

const index = object({ schema: literal(1), bundles: array((entry) => entry) });

type Parsed<F> = F extends Field<infer T> ? T : never;

/** One model: graphs by role and every number a pipeline needs to run them. `training` and `quality` are for people and not parsed. */
export type Manifest = Parsed<typeof manifest>;
export type Graph = Parsed<typeof graph>;
export type SessionOptions = Parsed<typeof session>;
export type GraphPort = Parsed<typeof port>;
export type GraphFile = Parsed<typeof file>;
export type Role = keyof Manifest['graphs'];

/** Every model there is, and those that are listed in a way this studio does not read, each with the reason. */
export interface BundleIndex {
  readonly bundles: readonly Parsed<typeof listed>[];
  readonly declined: readonly { readonly id: string; readonly reason: string }[];
}

/** Parses a bundle's manifest.json. Throws StudioError `manifest-invalid` with the path of the first bad field. */
export function parseManifest(text: string): Manifest {
  const parsed = parseJson(text, manifest, 'manifest');
  if (parsed.tags.labels.length !== parsed.tags.thresholds.length) {
    throw invalid('manifest', 'tags.thresholds', `as many thresholds as labels (${parsed.tags.labels.length})`);
  }
  return parsed;
}

/** Parses public/models/index.json. Throws as `parseManifest`, but for a bad entry, which is declined alone. */
export function parseIndex(text: string): BundleIndex {
  const bundles: Parsed<typeof listed>[] = [];
  const declined: { readonly id: string; readonly reason: string }[] = [];
  for (const [i, entry] of parseJson(text, index, 'index').bundles.entries()) {
    const path = `bundles[${i}]`;
    try {
      bundles.push(
        listed(entry, path, (at, expected) => {
          throw invalid('index', at, expected);
        }),
      );
    } catch (error) {
      if (!(error instanceof StudioError)) throw error;
      declined.push({ id: idOf(entry) ?? path, reason: error.message });
    }
  }
  return { bundles, declined };
}

function idOf(entry: unknown): string | null {
  return typeof entry === 'object' && entry !== null && 'id' in entry && typeof entry.id === 'string' ? entry.id : null;
}

function parseJson<T>(text: string, field: Field<T>, name: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new StudioError('manifest-invalid', `The model's ${name} is not JSON.`, { cause });
  }
  return field(json, '', (path, expected) => {
    throw invalid(name, path, expected);
  });
}

function invalid(name: string, path: string, expected: string): StudioError {
  const message = `The model's ${name} is not valid: expected ${expected} at “${path || 'top'}”.`;
  return new StudioError('manifest-invalid', message, { details: { path, expected } });
}
