import { execFile } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { main } from '../../../cli/upscale.ts';
import { NANO_MODELS } from '../../support/nano.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'upscale-'));
  await sharp({ create: { height: 24, width: 32, channels: 3, background: '#a0c040' } })
    .png()
    .toFile(join(folder, 'in.png'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in this process. */
async function upscale(...words: readonly string[]): Promise<Ended> {
  const said = { stdout: '', stderr: '' };
  const spies = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += text;
      return true;
    }),
  );
  try {
    return { code: await main(words), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** Runs it as a person does: in a process of its own, whose memory is that of the run. */
async function started(...words: readonly string[]): Promise<Ended> {
  const { stdout, stderr, code } = await promisify(execFile)(process.execPath, ['--import', 'tsx', 'cli/bin.ts', ...words]).then(
    (done) => ({ ...done, code: 0 }),
    (failed: Ended) => failed,
  );
  return { code, stdout, stderr };
}

const nanoWords = () => [join(folder, 'in.png'), join(folder, 'out.png'), '--models', NANO_MODELS, '--steps', '2'];
const nano = (...words: readonly string[]) => upscale(...nanoWords(), ...words);

describe('npm run upscale', () => {
  it('writes a PNG of the promised size and says what it did', async () => {
    const { code, stdout } = await nano('--json', '--scale', '3');
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as Record<string, unknown>;
    expect(report).toMatchObject({ bundle: 'seesr-nano', backend: 'cpu', width: 96, height: 72, steps: 2 });
    expect(Object.keys(report)).toEqual(expect.arrayContaining(['seconds', 'peakMemoryBytes']));
    expect(await sharp(join(folder, 'out.png')).metadata()).toMatchObject({ format: 'png', width: 96, height: 72, channels: 3 });
  });

  it('ends with its exit code, and says on stderr what was wrong', async () => {
    const { code, stdout, stderr } = await started(...nanoWords(), '--steps', 'many');
    expect([code, stdout, stderr.split(':')[0]]).toEqual([2, '', 'option-invalid']);
  });

  it('writes every step with its bands on request', async () => {
    const frames = join(folder, 'frames');
    expect((await nano('--frames', frames)).code).toBe(0);
    expect((await readdir(frames)).sort()).toEqual([
      'step-001-high.png',
      'step-001-low.png',
      'step-001-x0.png',
      'step-002-high.png',
      'step-002-low.png',
      'step-002-x0.png',
    ]);
  });

  it('prints what a run would take, and stops; the run itself keeps to it', async () => {
    const plan = JSON.parse((await nano('--plan', '--tile', '512')).stdout) as Record<string, unknown>;
    expect(plan).toMatchObject({ kind: 'plan', output: { height: 96, width: 128 }, tileCells: 64, tiles: 'in one piece' });
    expect(plan['seconds']).toBeGreaterThan(0);
    const report = JSON.parse((await started(...nanoWords(), '--json')).stdout) as {
      readonly plannedPeakBytes: number;
      readonly peakMemoryBytes: number;
    };
    expect(report.plannedPeakBytes / report.peakMemoryBytes).toBeGreaterThan(0.5);
    expect(report.plannedPeakBytes / report.peakMemoryBytes).toBeLessThan(2);
  });

  it.each([
    [['--depth', '16'], 'out16.png', { format: 'png', depth: 'ushort' }],
    [['--quality', '60', '--metadata', 'strip'], 'out.jpg', { format: 'jpeg', exif: undefined }],
    [['--quality', '100'], 'out.webp', { format: 'webp' }],
  ])('writes with %j what the ending of %s asks for', async (words, name, expected) => {
    const camera = join(folder, 'camera.jpg');
    await sharp(join(folder, 'in.png'))
      .withExif({ IFD0: { Make: 'Acme' } })
      .jpeg()
      .toFile(camera);
    const { code } = await upscale(camera, join(folder, name), '--models', NANO_MODELS, '--steps', '1', ...words);
    expect(code).toBe(0);
    const found = await sharp(join(folder, name)).metadata();
    expect({ ...found, exif: found.exif?.toString('latin1').includes('Acme') || undefined }).toMatchObject({
      exif: true,
      width: 128,
      ...expected,
    });
  });

  it('turns a picture as its EXIF orientation says', async () => {
    const turned = join(folder, 'turned.jpg');
    await sharp(join(folder, 'in.png')).jpeg().withMetadata({ orientation: 6 }).toFile(turned);
    await upscale(turned, join(folder, 'turned.png'), '--models', NANO_MODELS, '--steps', '1');
    expect(await sharp(join(folder, 'turned.png')).metadata()).toMatchObject({ width: 96, height: 128 });
  });

  it.each([
    [['--steps', 'many'], 2, 'option-invalid'],
    [['--scale', '9'], 2, 'option-invalid'],
    [['--color-fix', 'sepia'], 2, 'option-invalid'],
    [['--nonsense'], 2, 'option-invalid'],
    [['--jobs', '0'], 2, 'option-invalid'],
    [['--tile', '500'], 2, 'option-invalid'],
    [['--quality', '101'], 2, 'option-invalid'],
    [['--depth', '12'], 2, 'option-invalid'],
    [['--metadata', 'some'], 2, 'option-invalid'],
    [['--model', 'nobody'], 1, 'bundle-unknown'],
  ])('answers %j with exit code %d and %s', async (words, exit, code) => {
    const { code: got, stderr } = await nano(...words);
    expect(got).toBe(exit);
    expect(stderr).toMatch(new RegExp(`^${code}: .+\\.`));
  });

  it.each([
    ['missing.png', null, 'input-unreadable'],
    ['empty.png', new Uint8Array(0), 'image-empty'],
    ['text.png', new TextEncoder().encode('hello there, no picture'), 'image-not-an-image'],
  ])('refuses %s and writes nothing', async (name, bytes, code) => {
    const input = join(folder, name);
    if (bytes !== null) await writeFile(input, bytes);
    const output = join(folder, `${name}.out.png`);
    const failed = await upscale(input, output, '--models', NANO_MODELS);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(new RegExp(`^${code}: .+\\.`));
    expect((await readdir(folder)).filter((file) => file.startsWith(`${name}.out`))).toEqual([]);
  });

  it('takes a folder: one failure stops nothing, what is there is skipped, each file is a line of JSON', async () => {
    const [input, output] = [join(folder, 'many'), join(folder, 'results')];
    await mkdir(input);
    for (const name of ['a.png', 'b.jpg', 'b.png']) await sharp(join(folder, 'in.png')).toFile(join(input, name));
    await writeFile(join(input, 'c.png'), 'no picture');
    const words = [input, output, '--models', NANO_MODELS, '--steps', '1', '--scale', '1', '--jobs', '2', '--json'];
    const statuses = ({ stdout }: { readonly stdout: string }) =>
      Object.fromEntries(
        stdout
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as { readonly input: string; readonly status: string })
          .map((report) => [basename(report.input), report.status]),
      );
    const first = await upscale(...words);
    expect([first.code, statuses(first)]).toEqual([1, { 'a.png': 'done', 'b.jpg': 'done', 'b.png': 'done', 'c.png': 'failed' }]);
    expect((await readdir(output)).sort()).toEqual(['a.png', 'b.jpg.png', 'b.png.png']);
    await nano('--scale', '1', '--steps', '1');
    expect(await readFile(join(output, 'a.png'))).toEqual(await readFile(join(folder, 'out.png')));

    await rm(join(output, 'a.png'));
    await rm(join(input, 'c.png'));
    const again = await upscale(...words);
    expect([again.code, statuses(again)]).toEqual([0, { 'a.png': 'done', 'b.jpg': 'skipped', 'b.png': 'skipped' }]);
  });

  it('writes a folder in the format asked for, and the steps of each file apart', async () => {
    const [input, output, frames] = ['few', 'few-results', 'few-frames'].map((name) => join(folder, name));
    if (input === undefined || output === undefined || frames === undefined) throw new Error('expected three folders');
    await mkdir(input);
    for (const name of ['a.png', 'b.jpg']) await sharp(join(folder, 'in.png')).toFile(join(input, name));
    const words = ['--models', NANO_MODELS, '--steps', '1', '--scale', '1', '--format', 'webp', '--frames', frames];
    expect((await upscale(input, output, ...words)).code).toBe(0);
    expect((await readdir(output)).sort()).toEqual(['a.webp', 'b.webp']);
    expect((await sharp(join(output, 'a.webp')).metadata()).format).toBe('webp');
    for (const name of ['a', 'b']) expect(await readdir(join(frames, name))).toContain('step-001-x0.png');
  });

  it('refuses to write into the folder it reads, and a format beside a file’s ending', async () => {
    const input = join(folder, 'same');
    await mkdir(input);
    await sharp(join(folder, 'in.png')).toFile(join(input, 'a.png'));
    const same = await upscale(input, `${input}/`, '--models', NANO_MODELS);
    expect([same.code, same.stderr.split('\n')[0]]).toEqual([2, expect.stringMatching(/^option-invalid: Expected another folder/)]);
    expect(await readdir(input)).toEqual(['a.png']);
    const file = await nano('--format', 'webp');
    expect([file.code, file.stderr.split(':')[0]]).toEqual([2, 'option-invalid']);
  });

  it('refuses an output of no format it writes', async () => {
    const { code, stderr } = await upscale(join(folder, 'in.png'), join(folder, 'out.heic'), '--models', NANO_MODELS);
    expect([code, stderr.split(':')[0]]).toEqual([2, 'option-invalid']);
  });

  it('refuses an empty folder', async () => {
    await mkdir(join(folder, 'nothing'));
    const { code, stderr } = await upscale(join(folder, 'nothing'), join(folder, 'results2'), '--models', NANO_MODELS);
    expect([code, stderr.split(':')[0]]).toEqual([1, 'image-empty']);
  });

  it('refuses altered weights by their hash', async () => {
    const models = join(folder, 'models');
    cpSync(NANO_MODELS, models, { recursive: true });
    const denoiser = (await readdir(join(models, 'seesr-nano'))).find((file) => file.endsWith('.onnx')) ?? '';
    const bytes = readFileSync(join(models, 'seesr-nano', denoiser));
    bytes[bytes.length - 9] = (bytes[bytes.length - 9] ?? 0) ^ 1;
    writeFileSync(join(models, 'seesr-nano', denoiser), bytes);
    const { code, stderr } = await upscale(join(folder, 'in.png'), join(folder, 'x.png'), '--models', models);
    expect([code, stderr.split(':')[0]]).toEqual([1, 'weights-altered']);
  });

  it('refuses a broken manifest, naming the field', async () => {
    const models = join(folder, 'broken');
    cpSync(NANO_MODELS, models, { recursive: true });
    const path = join(models, 'seesr-nano', 'manifest.json');
    writeFileSync(path, (await readFile(path, 'utf8')).replace('"factor": 8', '"factor": "eight"'));
    const { code, stderr } = await upscale(join(folder, 'in.png'), join(folder, 'x.png'), '--models', models);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^manifest-invalid: .*latent\.factor/);
  });
});
