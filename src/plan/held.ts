import { STRIP_PIXELS } from '../core/sources.ts';
import type { Manifest } from '../protocol/manifest.ts';
import type { Size } from './working-size.ts';

/** What the size of everything a run keeps follows from. */
export interface RunShape {
  readonly input: Size;
  readonly output: Size;
  readonly working: Size;
  /** The working size in latent cells. */
  readonly cells: Size;
  readonly latentChannels: number;
  /** Of the condition encoder's output; 0 without one. */
  readonly conditionChannels: number;
  /** Lanes whose condition encoders differ. */
  readonly conditionLanes: number;
  readonly lanes: number;
  readonly steps: number;
  readonly depth: 8 | 16;
  readonly previews: boolean;
  /** Whether a first stage's picture is kept for its colours. */
  readonly firstStage: boolean;
  /** Whether the denoiser sees the enlarged input itself at every step. */
  readonly seesPicture: boolean;
}

/** Whether a bundle's denoiser sees the enlarged input itself, rather than an embedding that is made once. */
export function seesPicture({ graphs }: Pick<Manifest, 'graphs'>): boolean {
  return graphs.conditionEncoder === undefined && graphs.denoiser.some(({ inputs }) => inputs.some(({ name }) => name === 'condition'));
}

/** Which half of a run holds something: sampling, the strips of decoding after it, or both. */
export type Phase = 'sampling' | 'decoding';

interface HeldTerm {
  readonly what: string;
  readonly part: 'latents' | 'pictures';
  readonly phases: readonly Phase[];
  bytes(run: RunShape): number;
}

const BOTH: readonly Phase[] = ['sampling', 'decoding'];
const FLOAT_BYTES = 4;
/** Start noise, a step's draw, the condition and the first latent. */
const SHARED_LATENTS = 4;
/** Sample, prediction, x0, and the next sample. */
const LANE_LATENTS = 4;
/** Pixels of a step's live preview: larger pictures are shown reduced by a whole number. */
export const LIVE_PIXELS = 2 ** 20;
/** Pixels up to which the bands of a step are kept for the change to the next; of more, a step's picture is decoded once more for it. */
export const KEPT_BANDS_PIXELS = 2 ** 23;
/** x0 predictions beyond this many bytes are not kept for decoding later. */
export const KEPT_X0_BYTES = 2 ** 27;
/** Of the strip being computed: decoded, put right, resized, and what is cut of each. */
const STRIP_COPIES = 6;

/** Everything a run holds at once beside its graphs. The benchmark compares the larger phase's sum with what the process was seen to take. */
const HELD_TERMS: readonly HeldTerm[] = [
  { what: 'input, RGBA', part: 'pictures', phases: BOTH, bytes: ({ input }) => 4 * area(input) },
  {
    what: 'results, RGBA of 8 bits, and of 16 where asked for',
    part: 'pictures',
    phases: ['decoding'],
    bytes: ({ output, lanes, depth }) => (depth === 16 ? 12 : 4) * area(output) * lanes,
  },
  {
    what: 'a preview and its bands, RGBA',
    part: 'pictures',
    phases: ['sampling'],
    bytes: ({ working, previews }) => (previews ? 6 * Math.min(LIVE_PIXELS, area(working)) : 0),
  },
  {
    what: 'a strip that a preview is made of and its bands, and those of the step before',
    part: 'pictures',
    phases: ['sampling'],
    bytes: ({ working, lanes, previews }) => {
      const pixels = area(working);
      const kept = pixels <= KEPT_BANDS_PIXELS ? pixels : 0;
      return previews ? 3 * FLOAT_BYTES * (2 * Math.min(STRIP_PIXELS, pixels) + lanes * kept) : 0;
    },
  },
  {
    what: 'the first stage, 16 bits a colour',
    part: 'pictures',
    phases: BOTH,
    bytes: ({ working, firstStage }) => (firstStage ? 6 * area(working) : 0),
  },
  {
    what: 'the enlarged input, RGBA, where it is seen at every step',
    part: 'pictures',
    phases: BOTH,
    bytes: ({ working, seesPicture: sees }) => (sees ? 4 * area(working) : 0),
  },
  {
    what: 'strips of pixels',
    part: 'pictures',
    phases: ['decoding'],
    bytes: ({ working }) => STRIP_COPIES * 3 * FLOAT_BYTES * Math.min(STRIP_PIXELS, area(working)),
  },
  {
    what: 'latents',
    part: 'latents',
    phases: ['sampling'],
    bytes: (run) => (SHARED_LATENTS + LANE_LATENTS * run.lanes) * latentBytes(run),
  },
  { what: 'last samples', part: 'latents', phases: ['decoding'], bytes: (run) => run.lanes * latentBytes(run) },
  {
    what: 'features of the condition',
    part: 'latents',
    phases: BOTH,
    bytes: ({ cells, conditionChannels, conditionLanes }) => conditionLanes * conditionChannels * FLOAT_BYTES * area(cells),
  },
  {
    what: 'x0 of every step',
    part: 'latents',
    phases: BOTH,
    bytes: (run) => Math.min(KEPT_X0_BYTES, run.steps * run.lanes * latentBytes(run)),
  },
];

/** Bytes of all terms of one part in one phase. */
export function heldBytes(part: HeldTerm['part'], phase: Phase, run: RunShape): number {
  return HELD_TERMS.reduce((sum, term) => (term.part === part && term.phases.includes(phase) ? sum + term.bytes(run) : sum), 0);
}

export function area({ height, width }: Size): number {
  return height * width;
}

function latentBytes({ cells, latentChannels }: RunShape): number {
  return latentChannels * FLOAT_BYTES * area(cells);
}
