// Compute shaders (WGSL) of the arithmetic around graphs. Each takes its numbers in one uniform array of four words a place, then the
// buffers it writes, then those it reads; every thread goes on in strides until all places are done.

export const THREADS = 64;

/** A kernel: buffers it reads and writes after its numbers, and what is done at place `i` of `count`. */
function kernel(vectors: number, buffers: readonly string[], body: string): string {
  const bindings = buffers.map((buffer, i) => `@group(0) @binding(${i + 1}) ${buffer};`);
  return `
    @group(0) @binding(0) var<uniform> numbers: array<vec4<u32>, ${vectors}>;
    ${bindings.join('\n')}
    @compute @workgroup_size(${THREADS})
    fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
      let count = numbers[0].x;
      for (var i = id.x; i < count; i += groups.x * ${THREADS}u) {
        ${body}
      }
    }`;
}

function reads(name: string): string {
  return `var<storage, read> ${name}: array<f32>`;
}

function writes(name: string): string {
  return `var<storage, read_write> ${name}: array<f32>`;
}

/** Σ weight · term + offset. Numbers: count, offset; of each term its weight and the place in it where to begin. */
export function sumKernel(terms: number): string {
  const parts = Array.from({ length: terms }, (_, k) => k);
  const term = (k: number): string => `bitcast<f32>(numbers[${k + 1}].x) * term${k}[numbers[${k + 1}].y + i]`;
  const sum = [...parts.map(term), 'bitcast<f32>(numbers[0].y)'].join(' + ');
  return kernel(terms + 1, [writes('total'), ...parts.map((k) => reads(`term${k}`))], `total[i] = ${sum};`);
}

/** An area of planes to an area of others. Numbers: count, its height and width; rows and columns, top and left of the source, then of the target. */
export const COPY_WINDOW = kernel(
  3,
  [writes('copy'), reads('source')],
  `let height = numbers[0].y;
   let width = numbers[0].z;
   let x = i % width;
   let y = (i / width) % height;
   let plane = i / (width * height);
   let sourceAt = (plane * numbers[0].w + numbers[1].y + y) * numbers[1].x + numbers[1].z + x;
   let copyAt = (plane * numbers[1].w + numbers[2].y + y) * numbers[2].x + numbers[2].z + x;
   copy[copyAt] = source[sourceAt];`,
);

/** A tile times its Gaussian window added to sums, and the window to weights. Numbers: count, the tile's height and width; rows and columns of the sums, its top and left in them; the window's variance. */
export const BLEND_ADD = kernel(
  2,
  [writes('sums'), writes('weights'), reads('tile')],
  `let height = numbers[0].y;
   let width = numbers[0].z;
   let x = i % width;
   let y = (i / width) % height;
   let plane = i / (width * height);
   let variance = bitcast<f32>(numbers[1].w);
   let down = (f32(y) - f32(height - 1u) / 2.0) / f32(height);
   let across = (f32(x) - f32(width - 1u) / 2.0) / f32(width);
   let weight = exp(-(down * down + across * across) / (2.0 * variance));
   let at = (numbers[1].y + y) * numbers[1].x + numbers[1].z + x;
   sums[plane * numbers[0].w * numbers[1].x + at] += weight * tile[i];
   if (plane == 0u) {
     weights[at] += weight;
   }`,
);

/** Sums over weights; zero where no tile was. Numbers: count, rows to take and their columns, rows held. */
export const BLEND_TAKE = kernel(
  1,
  [writes('taken'), reads('sums'), reads('weights')],
  `let cells = numbers[0].y * numbers[0].z;
   let at = i % cells;
   let weight = weights[at];
   let sum = sums[(i / cells) * numbers[0].w * numbers[0].z + at];
   taken[i] = select(0.0, sum / weight, weight > 0.0);`,
);

/** Sets a flag where a number is none: all bits of the exponent are set. Shaders may take for granted that numbers are numbers, so bits are asked. */
export const FIND_FAULT = kernel(
  1,
  ['var<storage, read_write> flag: array<atomic<u32>>', 'var<storage, read> bits: array<u32>'],
  `if ((bits[i] & 0x7f800000u) == 0x7f800000u) {
     atomicStore(&flag[0], 1u);
   }`,
);
