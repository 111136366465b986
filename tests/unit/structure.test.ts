import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAMILIES } from '../../src/protocol/families.ts';

interface Room {
  readonly files: RegExp;
  /** What they may import of other rooms. */
  readonly rooms: readonly string[];
  /** Rooms of which they may import types only. */
  readonly types?: readonly string[];
  /** The packages they may import; any where it is left out. */
  readonly packages?: RegExp;
}

const NONE = /^$/;
const WORKERS = ['imaging', 'sessions', 'model-store', 'checkpoints', 'pipelines', 'engine'];

/** The rooms of ARCHITECTURE.md's table, row by row. */
const ROOMS: Readonly<Record<string, Room>> = {
  core: { files: /^src\/core\//, rooms: [], packages: NONE },
  protocol: { files: /^src\/protocol\//, rooms: [], packages: NONE },
  plan: { files: /^src\/plan\//, rooms: ['core', 'protocol'], packages: NONE },
  imaging: { files: /^workers\/imaging\//, rooms: ['core', 'protocol'] },
  sessions: { files: /^workers\/sessions\//, rooms: ['core', 'protocol'], packages: /^onnxruntime-web/ },
  'model-store': { files: /^workers\/model-store\//, rooms: ['core', 'protocol'], packages: /^hash-wasm$/ },
  checkpoints: { files: /^workers\/checkpoints\//, rooms: ['core', 'protocol'], types: ['engine', 'pipelines'], packages: NONE },
  pipelines: { files: /^workers\/pipelines\//, rooms: ['core', 'protocol', 'plan'], types: ['sessions'] },
  engine: { files: /^workers\/engine\.ts$/, rooms: [...WORKERS, 'core', 'protocol', 'plan'] },
  entries: { files: /^workers\/([a-z-]+\.worker|transfer)\.ts$/, rooms: [...WORKERS, 'core', 'protocol'] },
  cli: { files: /^cli\//, rooms: [...WORKERS, 'core', 'protocol', 'plan'] },
  'worker-client': { files: /^src\/worker-client\//, rooms: ['protocol'], packages: /^comlink/ },
  offline: { files: /^src\/offline\//, rooms: ['protocol'], packages: /^workbox-/ },
  store: { files: /^src\/store\//, rooms: ['core', 'protocol', 'plan', 'worker-client'] },
  features: { files: /^src\/features\//, rooms: ['store', 'components', 'protocol', 'plan'] },
  components: { files: /^src\/components\//, rooms: [], packages: /^react/ },
  app: { files: /^src\/app\//, rooms: ['features', 'components', 'store'] },
};

/** Puts the rooms together, and so stands outside of them. */
const ENTRY = 'src/main.tsx';

/** What holds besides, across rooms or within one. */
interface Rule {
  readonly name: string;
  readonly from: RegExp;
  /** What files matching `from` may not import; packages go by their name. `$1` is the first group of `from`. */
  readonly forbid: string;
}

const RULES: readonly Rule[] = [
  { name: 'only ort.ts imports onnxruntime-web', from: /^(?!workers\/sessions\/ort\.ts)/, forbid: '^onnxruntime-web' },
  { name: 'only the command line imports onnxruntime-node', from: /^(?!cli\/ort\.ts)/, forbid: '^onnxruntime-node' },
  {
    name: 'only the loaders of imaging and the command line import libvips',
    from: /^(?!workers\/imaging\/vips(-module)?\.ts|cli\/vips\.ts)/,
    forbid: '^wasm-vips',
  },
  { name: 'features do not know each other', from: /^src\/features\/([^/]+)\//, forbid: '^src/features/(?!$1/)' },
  { name: 'comlink stays at the boundary', from: /^(?!src\/worker-client\/|workers\/[a-z-]+\.worker\.ts)/, forbid: '^comlink' },
];

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typesOnly: boolean;
}

const IMPORTS = /(?:^|\n)\s*(?:import|export)(\s+type\s)?[^'";]*?from\s*'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g;

function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(IMPORTS)].map(([, types, named, dynamic, bare]) => {
    const target = named ?? dynamic ?? bare ?? '';
    const to = target.startsWith('.') ? normalize(join(dirname(file), target)) : target;
    return { from: file, to, typesOnly: types !== undefined };
  });
}

function roomOf(path: string): string | undefined {
  return Object.keys(ROOMS).find((name) => ROOMS[name]?.files.test(path));
}

/** Whether the file's room lets it import that; `ENTRY` may import all. */
function allowed({ from, to, typesOnly }: Import): boolean {
  const [here, there] = [roomOf(from) ?? '', roomOf(to)];
  const room = ROOMS[here];
  if (room === undefined) return from === ENTRY;
  if (there === undefined) return !/^(src|workers|cli)\//.test(to) && (room.packages?.test(to) ?? true);
  return here === there || room.rooms.includes(there) || (typesOnly && room.types?.includes(there) === true);
}

function violations(imports: readonly Import[]): string[] {
  const outOfRoom = imports.filter((found) => !allowed(found)).map(({ from, to }) => `not in the table: ${from} → ${to}`);
  const broken = RULES.flatMap(({ name, from, forbid }) =>
    imports.flatMap((found) => {
      const match = from.exec(found.from);
      const bad = match !== null && new RegExp(forbid.replace('$1', match[1] ?? '')).test(found.to);
      return bad ? [`${name}: ${found.from} → ${found.to}`] : [];
    }),
  );
  return [...outOfRoom, ...broken];
}

const files = ['src', 'workers', 'cli'].flatMap((root) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.tsx?$/.test(file))
    .map((file) => join(root, file)),
);
const imports = files.flatMap((file) => importsOf(file, readFileSync(file, 'utf8')));

/** A family's name in code, not in a comment: as an identifier's part or a string. */
const FAMILY_IN_CODE = new RegExp(FAMILIES.join('|'), 'i');

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '');
}

describe('a family', () => {
  it('is known to its pipeline, its options, the two registries, and the model chosen at the start, and to nothing else', () => {
    const naming = files.filter((file) => FAMILY_IN_CODE.test(withoutComments(readFileSync(file, 'utf8'))));
    expect(naming.sort()).toEqual(
      [
        ...FAMILIES.flatMap((name) => [`src/protocol/options/${name}.ts`, `workers/pipelines/${name}.ts`]),
        'src/protocol/families.ts',
        'src/store/state.ts',
        'workers/pipelines/registry.ts',
      ].sort(),
    );
  });
});

describe('the direction of imports', () => {
  it('is kept by every file', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(imports.length).toBeGreaterThan(files.length);
    expect(files.filter((file) => file !== ENTRY && roomOf(file) === undefined)).toEqual([]);
    expect(violations(imports)).toEqual([]);
  });

  it.each([
    ['src/core/a.ts', '../protocol/errors.ts'],
    ['src/features/run/a.tsx', '../steps/timeline.tsx'],
    ['src/store/a.ts', '../../workers/engine.ts'],
    ['workers/pipelines/a.ts', 'onnxruntime-web/wasm'],
    ['src/features/run/a.tsx', 'comlink'],
    ['src/features/run/a.tsx', '../../core/tensor.ts'],
    ['src/components/a.tsx', '../protocol/events.ts'],
    ['src/plan/a.ts', 'zustand'],
    ['src/app/a.tsx', '../main.tsx'],
    ['cli/a.ts', '../src/store/state.ts'],
  ])('would be broken by %s importing %s', (file, target) => {
    expect(violations(importsOf(file, `import { x } from '${target}';`))).not.toEqual([]);
    expect(violations(importsOf(file, `\nexport type { X } from '${target}';`))).not.toEqual([]);
  });

  it('knows types, where only they may be imported, from values', () => {
    const file = 'workers/pipelines/a.ts';
    expect(violations(importsOf(file, "import type { X } from '../sessions/pool.ts';"))).toEqual([]);
    expect(violations(importsOf(file, "import { type X, y } from '../sessions/pool.ts';"))).not.toEqual([]);
  });
});
