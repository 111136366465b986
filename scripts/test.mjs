// Everything: types, lint, unit, browser and page tests, and the training package's when Python has it.
// Ends with one line that sums all runners; what cannot run here is skipped aloud.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'rfsr-test-'));
let passed = 0;
let failed = 0;

/** @param {string} title @param {string} command @param {string[]} words */
function run(title, command, words, options = {}) {
  console.log(`\n── ${title}`);
  return spawnSync(command, words, { stdio: 'inherit', ...options }).status === 0;
}

/** A runner that answers yes or no counts as one test. */
function check(title, command, ...words) {
  if (run(title, command, words)) passed++;
  else failed++;
}

/** @param {string} title @param {boolean} sound @param {() => [number, number]} count */
function add(title, sound, count) {
  try {
    const [good, bad] = count();
    passed += good;
    // a runner that fell over outside its tests failed too
    failed += bad === 0 && !sound ? 1 : bad;
  } catch (error) {
    console.error(`${title} left no report: ${error}`);
    failed++;
  }
}

check('types', 'npx', 'tsc', '--noEmit');
check('lint', 'npx', 'biome', 'check', '--error-on-warnings', '.');

const report = join(folder, 'vitest.json');
const vitest = run('unit, browser and page', 'npx', [
  'vitest',
  'run',
  '--reporter=default',
  '--reporter=json',
  `--outputFile.json=${report}`,
]);
add('vitest', vitest, () => {
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
  return [numPassedTests, numFailedTests];
});

if (spawnSync('python3', ['-c', 'import torch, diffusers, pytest']).status === 0) {
  const xml = join(folder, 'pytest.xml');
  const pytest = run('training', 'python3', ['-m', 'pytest', '-q', `--junitxml=${xml}`], {
    cwd: 'training',
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  });
  add('pytest', pytest, () => {
    const text = readFileSync(xml, 'utf8');
    const number = (name) => Number(new RegExp(`${name}="(\\d+)"`).exec(text)?.[1] ?? Number.NaN);
    const bad = number('failures') + number('errors');
    return [number('tests') - bad - number('skipped'), bad];
  });
} else {
  console.log('\n── training: skipped, Python with torch, diffusers and pytest is not installed (see training/README.md)');
}

console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
