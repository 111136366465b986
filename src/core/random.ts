import { elementCount, type Tensor } from './tensor.ts';

const STATE_WORDS = 624;
const SHIFT_WORDS = 397;
/** torch draws this many values at a time in its vectorised path. */
const BLOCK = 16;

/** Mersenne Twister 19937 (Matsumoto & Nishimura 1998), seeded with one 32-bit word as torch's CPU generator is. */
class MersenneTwister {
  readonly #state = new Uint32Array(STATE_WORDS);
  #next = STATE_WORDS;

  constructor(seed: number) {
    this.#state[0] = seed >>> 0;
    for (let i = 1; i < STATE_WORDS; i++) {
      const before = this.#state[i - 1] ?? 0;
      this.#state[i] = Math.imul(1812433253, before ^ (before >>> 30)) + i;
    }
  }

  /** 32 random bits. */
  word(): number {
    if (this.#next === STATE_WORDS) this.#twist();
    let y = this.#state[this.#next++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist(): void {
    const s = this.#state;
    for (let i = 0; i < STATE_WORDS; i++) {
      const y = ((s[i] ?? 0) & 0x80000000) | ((s[(i + 1) % STATE_WORDS] ?? 0) & 0x7fffffff);
      s[i] = (s[(i + SHIFT_WORDS) % STATE_WORDS] ?? 0) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#next = 0;
  }
}

/**
 * Twin of `torch.Generator('cpu').manual_seed(seed)` for `torch.randn` in float32: the same bits are drawn in the same order, so a
 * Python run can be compared directly. Values differ from torch's by rounding only (its vector maths approximates log, sin and cos).
 */
export class NoiseGenerator {
  readonly #engine: MersenneTwister;
  /** The second value of the last Box–Muller pair of the short path; torch keeps it across calls. */
  #spare: number | null = null;

  /** `seed`: 0 … 2³² − 1 (torch uses the low 32 bits). Throws RangeError for anything else. */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
      throw new RangeError(`expected a seed of 0 … 4294967295, got ${seed}`);
    }
    this.#engine = new MersenneTwister(seed);
  }

  /** Standard normal noise of the given dims, as `torch.randn(dims, generator=…)`. */
  normal(dims: readonly number[]): Tensor {
    const data = new Float32Array(elementCount(dims));
    if (data.length < BLOCK) {
      for (let i = 0; i < data.length; i++) data[i] = this.#single();
    } else {
      this.#fill(data);
    }
    return { dims, data };
  }

  /** Box–Muller in double precision, one value at a time: torch's path below 16 elements. */
  #single(): number {
    if (this.#spare !== null) {
      const value = this.#spare;
      this.#spare = null;
      return value;
    }
    const theta = 2 * Math.PI * this.#uniform53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.#uniform53()));
    this.#spare = radius * Math.sin(theta);
    return radius * Math.cos(theta);
  }

  /** Uniforms first, then Box–Muller on blocks of 16; a remainder redraws the last 16 whole. */
  #fill(data: Float32Array): void {
    for (let i = 0; i < data.length; i++) data[i] = this.#uniform24();
    for (let start = 0; start + BLOCK <= data.length; start += BLOCK) boxMuller(data.subarray(start, start + BLOCK));
    if (data.length % BLOCK !== 0) {
      const tail = data.subarray(data.length - BLOCK);
      for (let i = 0; i < BLOCK; i++) tail[i] = this.#uniform24();
      boxMuller(tail);
    }
  }

  #uniform24(): number {
    return (this.#engine.word() & 0xffffff) / 2 ** 24;
  }

  #uniform53(): number {
    const high = this.#engine.word() & 0x1fffff;
    return (high * 2 ** 32 + this.#engine.word()) / 2 ** 53;
  }
}

/** Turns 16 uniforms into 16 normals in place: value i pairs with value i + 8. */
function boxMuller(block: Float32Array): void {
  for (let i = 0; i < BLOCK / 2; i++) {
    const radius = Math.fround(Math.sqrt(-2 * Math.log(1 - (block[i] ?? 0))));
    const theta = Math.fround(2 * Math.PI * (block[i + BLOCK / 2] ?? 0));
    block[i] = radius * Math.cos(theta);
    block[i + BLOCK / 2] = radius * Math.sin(theta);
  }
}
