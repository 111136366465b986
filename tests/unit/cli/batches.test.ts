import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { main } from '../../../cli/upscale.ts';
import { NANO_MODELS } from '../../support/nano.ts';

const FAST = ['--models', NANO_MODELS, '--steps', '1', '--scale', '1', '--guidance', '1'];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'batches-'));
});
afterAll(() => rm(folder, { recursive: true }));

const said = { stdout: '', stderr: '' };
beforeEach(() => {
  for (const name of ['stdout', 'stderr'] as const) {
    said[name] = '';
    vi.spyOn(process[name], 'write').mockImplementation((text, ...rest: unknown[]) => {
      said[name] += typeof text === 'string' ? text : `[${text.length} bytes]`;
      const done = rest.at(-1);
      if (typeof done === 'function') done();
      return true;
    });
  }
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

async function paint(path: string, background: string): Promise<void> {
  const format = path.endsWith('.jpg') ? 'jpeg' : 'png';
  await sharp({ create: { height: 16, width: 16, channels: 3, background } })
    .toFormat(format)
    .toFile(path);
}

async function made(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const place = join(folder, name);
  await mkdir(place);
  for (const [file, background] of Object.entries(files)) await paint(join(place, file), background);
  return place;
}

const reports = (): readonly Record<string, unknown>[] =>
  said.stdout.trim() === ''
    ? []
    : said.stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('a folder', () => {
  it('gives every file a result of its own, be their names alike or long', async () => {
    const input = await made('alike', { 'a.png': '#ff0000', 'a.jpg': '#00ff00', [`${'字'.repeat(83)}.png`]: '#0000ff' });
    await writeFile(
      join(input, 'a.png.gif'),
      await sharp({ create: { height: 16, width: 16, channels: 3, background: '#808080' } })
        .gif()
        .toBuffer(),
    );
    const output = join(folder, 'alike-results');
    expect(await main([input, output, ...FAST, '--color-fix', 'adain', '--json'])).toBe(0);
    expect((await readdir(output)).sort()).toEqual(['a.jpg.png', 'a.png.gif.png', 'a.png.png', `${'字'.repeat(83)}.png`]);
    expect(reports().map(({ status }) => status)).toEqual(['done', 'done', 'done', 'done']);
  });

  it('says what it passes over, and takes folders where asked', async () => {
    const input = await made('mixed', { 'one.png': '#090608' });
    await mkdir(join(input, 'sub'));
    await paint(join(input, 'sub', 'two.png'), '#fafa00');
    await paint(join(folder, 'elsewhere.png'), '#123456');
    await symlink(join(folder, 'elsewhere.png'), join(input, 'link.png'));
    await symlink(join(folder, 'nowhere.png'), join(input, 'lost.png'));
    for (const name of ['Thumbs.db', 'desktop.ini', '.hidden']) await writeFile(join(input, name), 'no picture');
    const output = join(folder, 'mixed-results');
    expect(await main([input, output, ...FAST, '--json'])).toBe(0);
    const told = reports().map(({ input: path, status }) => [basename(String(path)), status]);
    expect(told).toEqual([
      ['lost.png', 'passed-over'],
      ['sub', 'passed-over'],
      ['link.png', 'done'],
      ['one.png', 'done'],
    ]);
    said.stdout = '';
    expect(await main([input, output, ...FAST, '--json', '--recursive'])).toBe(0);
    expect(reports().map(({ input: path, status }) => [basename(String(path)), status])).toEqual([
      ['lost.png', 'passed-over'],
      ['link.png', 'skipped'],
      ['one.png', 'skipped'],
      ['two.png', 'done'],
    ]);
    expect(await readdir(join(output, 'sub'))).toEqual(['two.png']);
  });

  it('stops before it computes where results cannot go', async () => {
    const input = await made('stopped', { 'a.png': '#111111', 'b.png': '#222222' });
    const blocked = join(folder, 'a file');
    await writeFile(blocked, 'in the way');
    expect(await main([input, join(blocked, 'results'), ...FAST, '--json'])).toBe(1);
    expect([said.stdout, said.stderr.match(/output-unwritable/g)?.length]).toEqual(['', 1]);
  });

  it('is its own output where --overwrite says so', async () => {
    const input = await made('own', { 'a.png': '#445566' });
    expect(await main([input, input, ...FAST])).toBe(2);
    expect(said.stderr).toMatch(/--overwrite/);
    expect(await main([input, input, ...FAST, '--scale', '2', '--overwrite'])).toBe(0);
    expect(await sharp(await readFile(join(input, 'a.png'))).metadata()).toMatchObject({ width: 32 });
  });
});

describe('one file', () => {
  it('is not overwritten by its result but where asked', async () => {
    const input = join(await made('same', { 'a.png': '#445566' }), 'a.png');
    const before = await readFile(input);
    expect(await main([input, input, ...FAST])).toBe(2);
    expect(said.stderr).toMatch(/^option-invalid: .*--overwrite/);
    expect(await readFile(input)).toEqual(before);
    expect(await main([input, input, ...FAST, '--overwrite'])).toBe(0);
    expect(await readFile(input)).not.toEqual(before);
  });

  it('is found where the caller is, not where npm runs its scripts', async () => {
    const place = await made('caller', { 'a.png': '#445566' });
    vi.stubEnv('INIT_CWD', place);
    vi.stubEnv('npm_lifecycle_event', 'upscale');
    expect(await main(['a.png', 'b.png', ...FAST])).toBe(0);
    expect(await readdir(place)).toEqual(['a.png', 'b.png']);
  });

  it('that is missing is said to be, in one sentence', async () => {
    expect(await main([join(folder, 'nobody.png'), join(folder, 'b.png'), ...FAST])).toBe(1);
    expect(said.stderr).toMatch(/^input-unreadable: There is no file “.*nobody\.png”\.\n$/);
  });

  it('is refused before the run where its format has no room, also by --plan', async () => {
    const strip = join(folder, 'strip.png');
    await sharp({ create: { height: 4200, width: 8, channels: 3, background: '#445566' } })
      .png()
      .toFile(strip);
    const words = [strip, join(folder, 'strip.webp'), '--models', NANO_MODELS];
    expect(await main(words)).toBe(1);
    expect(said.stderr).toMatch(
      /^image-too-large: 32×16800 is more than a WEBP file has room for, 16383 pixels a side\. ×3 would fit, or save as PNG or JPEG\./,
    );
    expect(await main([...words, '--plan'])).toBe(1);
    expect(JSON.parse(said.stdout)).toMatchObject({ kind: 'refusal', message: expect.stringContaining('×3 would fit') as string });
  });

  it('gives each of its pages where asked, or the one asked for, in its own depth', async () => {
    const pages = join(folder, 'pages.tif');
    const colours = ['#ff0000', '#00ff00'].map((background) => ({ create: { height: 16, width: 16, channels: 3, background } }) as never);
    await sharp(colours, { join: { animated: true } })
      .tiff()
      .toFile(pages);
    expect(await main([pages, join(folder, 'page.png'), ...FAST, '--page', 'all', '--json'])).toBe(0);
    expect(reports()).toHaveLength(2);
    for (const name of ['page-1.png', 'page-2.png']) expect(await sharp(join(folder, name)).metadata()).toMatchObject({ depth: 'uchar' });
    expect(await main([pages, join(folder, 'third.png'), ...FAST, '--page', '3'])).toBe(2);
    const deep = join(folder, 'deep.png');
    await sharp(
      new Uint16Array(768).map((_, i) => 80 * i),
      { raw: { height: 16, width: 16, channels: 3 } },
    )
      .toColourspace('rgb16')
      .png()
      .toFile(deep);
    expect(await main([deep, join(folder, 'deep-out.png'), ...FAST])).toBe(0);
    expect(await sharp(join(folder, 'deep-out.png')).metadata()).toMatchObject({ depth: 'ushort' });
  });
});

describe('a bundle', () => {
  it('may have spaces and signs in its names', async () => {
    const models = join(folder, 'my models');
    await cp(NANO_MODELS, models, { recursive: true });
    await rename(join(models, 'seesr-nano'), join(models, 'seesr 100% nano'));
    const index = join(models, 'index.json');
    await writeFile(index, (await readFile(index, 'utf8')).replace('seesr-nano/manifest.json', 'seesr 100% nano/manifest.json'));
    const input = join(await made('bundled', { 'a.png': '#445566' }), 'a.png');
    expect(await main([input, join(folder, 'bundled.png'), ...FAST, '--models', models, '--model', 'seesr-nano'])).toBe(0);
  });
});

describe('what is wrong with a command', () => {
  it.each([[['--nonsense']], [['--steps', 'many']], [['--page', '0']], [['--alpha', 'beta']]])(
    '%j is one line, with a pointer',
    async (words) => {
      expect(await main(['in.png', 'out.png', ...words])).toBe(2);
      expect(said.stderr).toMatch(/^option-invalid: [^\n]+ --help lists the options\.\n$/);
    },
  );

  it('is asked of standard output what it cannot give', async () => {
    expect(await main(['in.png', '-', '--json'])).toBe(2);
  });
});

describe('standard input and output', () => {
  it('are files too; nothing else is on them', async () => {
    const input = join(await made('streams', { 'a.png': '#445566' }), 'a.png');
    const command = `${process.execPath} --import tsx cli/bin.ts - - ${FAST.join(' ')} --format jpeg < ${input} > ${folder}/out.jpg`;
    await promisify(execFile)('sh', ['-c', command]);
    expect(await sharp(join(folder, 'out.jpg')).metadata()).toMatchObject({ format: 'jpeg', width: 16 });
  });
});

describe('the packed command', () => {
  it('is plain Node that reads TypeScript', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [relative(process.cwd(), 'cli/bin.mjs'), '--help']);
    expect(stdout).toMatch(/^Usage/);
  });
});
