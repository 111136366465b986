// Installs what is missing, builds, serves. Plain Node, since nothing else is there yet.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const installed = 'node_modules/.package-lock.json';

/** @param {string} command @param {string[]} words */
function run(command, ...words) {
  const { status } = spawnSync(command, words, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs) {
  run(npm, 'ci', '--ignore-scripts', '--no-audit', '--no-fund');
}
run(npm, 'run', 'build');
const { preview } = await import('vite');
const server = await preview({ preview: { open: false } });
server.printUrls();
console.log('RFSR Studio is ready. Stop it with Ctrl+C.');
