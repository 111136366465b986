import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FAMILIES } from '../../src/protocol/families.ts';

interface Rule {
  readonly name: string;
  readonly from: RegExp;
  /** What files matching `from` may import; packages go by their name. `$1` is the first group of `from`. */
  readonly allow?: string;
  readonly forbid?: string;
}

/** The one direction of imports, as ARCHITECTURE.md draws it. */
const RULES: readonly Rule[] = [
  { name: 'core imports itself only', from: /^src\/core\//, allow: '^src/core/' },
  { name: 'protocol imports itself only', from: /^src\/protocol\//, allow: '^src/protocol/' },
  { name: 'the plan uses core and protocol', from: /^src\/plan\//, allow: '^src/(plan|core|protocol)/' },
  {
    name: 'sessions use core and protocol',
    from: /^workers\/sessions\//,
    allow: '^(workers/sessions|src/core|src/protocol)/|^onnxruntime-web',
  },
  { name: 'the model store uses protocol', from: /^workers\/model-store\//, allow: '^(workers/model-store|src/core|src/protocol)/' },
  {
    name: 'checkpoints know no session and no model',
    from: /^workers\/checkpoints\//,
    allow: '^(workers/(checkpoints|engine|pipelines/context)|src/(core|protocol)/)',
  },
  {
    name: 'pipelines know neither storage nor entries',
    from: /^workers\/pipelines\//,
    forbid: '^workers/(model-store|checkpoints|engine|[a-z-]+\\.worker)',
  },
  { name: 'workers do not know the page', from: /^workers\//, forbid: '^src/(app|features|components|store|worker-client)/' },
  { name: 'only ort.ts imports onnxruntime-web', from: /^(?!workers\/sessions\/ort\.ts)/, forbid: '^onnxruntime-web' },
  { name: 'only the command line imports onnxruntime-node', from: /^(?!cli\/ort\.ts)/, forbid: '^onnxruntime-node' },
  {
    name: 'only the loaders of imaging and the command line import libvips',
    from: /^(?!workers\/imaging\/vips(-module)?\.ts|cli\/vips\.ts)/,
    forbid: '^wasm-vips',
  },
  { name: 'components know nothing of the app', from: /^src\/components\//, allow: '^src/components/|^react' },
  { name: 'features do not know each other', from: /^src\/features\/([^/]+)\//, forbid: '^src/features/(?!$1/)' },
  { name: 'features do not call workers', from: /^src\/features\//, forbid: '^(workers/|src/worker-client/|comlink)' },
  { name: 'the store knows neither features nor workers', from: /^src\/store\//, forbid: '^(src/(features|app|components)/|workers/)' },
  { name: 'comlink stays at the boundary', from: /^(?!src\/worker-client\/|workers\/[a-z-]+\.worker\.ts)/, forbid: '^comlink' },
  { name: 'the client uses protocol only', from: /^src\/worker-client\//, allow: '^src/(worker-client|protocol)/|^comlink' },
];

interface Import {
  readonly from: string;
  readonly to: string;
}

function importsOf(file: string, text: string): Import[] {
  const found = text.matchAll(/(?:^|\n)\s*(?:import|export)[^'";]*?from\s*'([^']+)'|import\(\s*'([^']+)'\s*\)|(?:^|\n)import\s+'([^']+)'/g);
  return [...found].map(([, named, dynamic, bare]) => {
    const target = named ?? dynamic ?? bare ?? '';
    return { from: file, to: target.startsWith('.') ? normalize(join(dirname(file), target)) : target };
  });
}

function violations(imports: readonly Import[]): string[] {
  return RULES.flatMap(({ name, from, allow, forbid }) =>
    imports.flatMap((found) => {
      const match = from.exec(found.from);
      if (match === null) return [];
      const pattern = (source: string) => new RegExp(source.replace('$1', match[1] ?? ''));
      const bad = (allow !== undefined && !pattern(allow).test(found.to)) || (forbid !== undefined && pattern(forbid).test(found.to));
      return bad ? [`${name}: ${found.from} → ${found.to}`] : [];
    }),
  );
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
    expect(violations(imports)).toEqual([]);
  });

  it.each([
    ['src/core/a.ts', '../protocol/errors.ts'],
    ['src/features/run/a.tsx', '../steps/timeline.tsx'],
    ['src/store/a.ts', '../../workers/engine.ts'],
    ['workers/pipelines/a.ts', 'onnxruntime-web/wasm'],
    ['src/features/run/a.tsx', 'comlink'],
  ])('would be broken by %s importing %s', (file, target) => {
    expect(violations(importsOf(file, `import { x } from '${target}';`))).not.toEqual([]);
    expect(violations(importsOf(file, `\nexport type { X } from '${target}';`))).not.toEqual([]);
  });
});
