import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { findChromium, NO_CHROMIUM } from '../tests/support/chromium.ts';

/** Node reaches a software graphics driver through the system's loader. */
const VULKAN = ['/usr/lib/x86_64-linux-gnu/libvulkan.so.1', '/usr/lib/aarch64-linux-gnu/libvulkan.so.1', '/usr/lib64/libvulkan.so.1'];
const NO_VULKAN = 'expected the Vulkan loader, with which Node’s WebGPU is tested: install libvulkan1 (Debian) or vulkan-loader (Fedora)';

const PYTHON = process.platform === 'win32' ? 'python' : 'python3';
const OLDEST_PYTHON = '3.11';
const NO_PYTHON = `expected Python ${OLDEST_PYTHON} or newer as “${PYTHON}”, with its module venv (Debian: python3-venv)`;
const VENV = '.cache/venv';
const VENV_PYTHON = process.platform === 'win32' ? `${VENV}/Scripts/python.exe` : `${VENV}/bin/python`;
/** What the environment was made for: it is made anew where that changed. */
const MADE_FOR = `${VENV}/made-for.toml`;
const PROJECT = 'training/pyproject.toml';
/** The CPU build comes first: what depends on torch would bring several gigabytes of CUDA. */
const TORCH = 'torch==2.13.0';

/** Sees to a Chromium and to Vulkan, by Debian's packages where this is root. Throws an Error with what to install where it cannot. */
export async function prepareChromium(): Promise<void> {
  const vulkan = (): boolean => process.platform !== 'linux' || VULKAN.some((path) => existsSync(path));
  if (findChromium() !== undefined && vulkan()) return;
  if (process.getuid?.() === 0 && (await succeeds('apt-get', ['--version']))) {
    console.log('Installing Chromium: a minute or two, the first time only.');
    await succeeds('apt-get', ['update', '-qq'], 'inherit');
    await succeeds('apt-get', ['install', '-y', '-qq', 'chromium', 'libvulkan1'], 'inherit');
  }
  if (findChromium() === undefined) throw new Error(NO_CHROMIUM);
  if (!vulkan()) throw new Error(NO_VULKAN);
}

/** Python with all that the training package's tests need, in `.cache/venv`: its path. Throws an Error with what is missing. */
export async function preparePython(): Promise<string> {
  const project = readFileSync(PROJECT, 'utf8');
  if (existsSync(MADE_FOR) && readFileSync(MADE_FOR, 'utf8') === project) return VENV_PYTHON;
  const [major, minor] = OLDEST_PYTHON.split('.');
  if (!(await succeeds(PYTHON, ['-c', `import sys, venv; sys.exit(sys.version_info < (${major}, ${minor}))`]))) throw new Error(NO_PYTHON);
  console.log('Installing the Python packages: three to ten minutes and 2 GB, the first time only.');
  mkdirSync('.cache', { recursive: true });
  await run(NO_PYTHON, PYTHON, '-m', 'venv', '--system-site-packages', VENV);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  if (!(await succeeds(VENV_PYTHON, ['-c', 'import torch']))) await run(`expected to install ${TORCH}`, VENV_PYTHON, ...pip, TORCH);
  await run(`expected to install what ${PROJECT} asks for`, VENV_PYTHON, ...pip, '--editable', 'training[test]');
  writeFileSync(MADE_FOR, project);
  return VENV_PYTHON;
}

/** Whether a command succeeds; what it says of a failure is shown on request. */
function succeeds(command: string, words: readonly string[], errors: 'ignore' | 'inherit' = 'ignore'): Promise<boolean> {
  const child = spawn(command, words, { stdio: ['ignore', 'ignore', errors] });
  return new Promise((done) => {
    child.on('error', () => done(false));
    child.on('close', (code) => done(code === 0));
  });
}

/** Throws an Error with the sentence where the command fails. */
async function run(sentence: string, command: string, ...words: readonly string[]): Promise<void> {
  if (!(await succeeds(command, words, 'inherit'))) throw new Error(sentence);
}
