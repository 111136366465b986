import { describe, expect, it } from 'vitest';
import { StudioError } from '../../../src/protocol/errors.ts';
import { parseIndex, parseManifest } from '../../../src/protocol/manifest.ts';
import { nanoManifestText } from '../../support/nano.ts';

/** The nano manifest with one field changed (undefined removes it). */
function changed(path: readonly (string | number)[], value: unknown): string {
  const json: unknown = JSON.parse(nanoManifestText());
  let at = json as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  const last = path.at(-1) ?? '';
  if (value === undefined) delete at[last];
  else at[last] = value;
  return JSON.stringify(json);
}

describe('parseManifest', () => {
  it('reads what the exporter writes', () => {
    const manifest = parseManifest(nanoManifestText());
    expect(manifest.id).toBe('seesr-nano');
    expect(manifest.graphs.denoiser[0]?.inputs.map(({ name }) => name)).toContain('conditionLatent');
  });

  it.each([
    [['schema'], 2, 'schema'],
    [['id'], 'Not An Id', 'id'],
    [['family'], 'unknown', 'family'],
    [['latent', 'scale'], 'wide', 'latent.scale'],
    [['graphs', 'denoiser'], undefined, 'graphs.denoiser'],
    [['graphs', 'vaeDecoder', 0, 'files', 0, 'sha256'], 'abc', 'graphs.vaeDecoder[0].files[0].sha256'],
    [['graphs', 'tagger', 0, 'inputs', 0, 'dims', 0], -1, 'graphs.tagger[0].inputs[0].dims[0]'],
    [['graphs', 'denoiser', 0, 'inputs', 0, 'dtype'], 'float16', 'graphs.denoiser[0].inputs[0].dtype'],
    [['graphs', 'denoiser', 0, 'memory'], undefined, 'graphs.denoiser[0].memory'],
    [['graphs', 'denoiser', 0, 'macs', 'perCell'], 'many', 'graphs.denoiser[0].macs.perCell'],
    [['tags', 'thresholds'], [0.5], 'tags.thresholds'],
    [['scheduler', 'prediction_type'], 'noise', 'scheduler.prediction_type'],
    [['sampling', 'steps'], 0, 'sampling.steps'],
    [['sampling', 'guidance'], 21, 'sampling.guidance'],
    [['image', 'multipleOf'], 0, 'image.multipleOf'],
    [['latent', 'factor'], 0, 'latent.factor'],
    [['graphs', 'denoiser', 0, 'tiling'], { kind: 'blend', tile: 0, overlap: 0 }, 'graphs.denoiser[0].tiling.tile'],
  ])('names the bad field %j', (path, value, reported) => {
    try {
      parseManifest(changed(path, value));
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(StudioError);
      expect((error as StudioError).code).toBe('manifest-invalid');
      expect((error as StudioError).details['path']).toBe(reported);
    }
  });

  it('rejects text that is not JSON, and JSON that is no object', () => {
    expect(() => parseManifest('<html>')).toThrow(/not JSON/);
    expect(() => parseManifest('[]')).toThrow(/expected an object/);
  });

  it('ignores fields it does not know', () => {
    expect(parseManifest(changed(['comment'], 'new')).id).toBe('seesr-nano');
  });
});

describe('parseIndex', () => {
  it('rejects an index of another schema', () => {
    expect(() => parseIndex('{"schema":9,"bundles":[]}')).toThrow(/schema/);
  });

  it('declines a bad entry alone, with the reason', () => {
    const good = { id: 'a', title: 'A', family: 'seesr', variant: 'base', size: 'mini', manifest: 'a/manifest.json', sizeBytes: 1 };
    const { bundles, declined } = parseIndex(JSON.stringify({ schema: 1, bundles: [{ ...good, id: 'b', family: 'newer' }, good, 7] }));
    expect(bundles).toEqual([good]);
    expect(declined).toEqual([
      { id: 'b', reason: expect.stringContaining('“bundles[0].family”') },
      { id: 'bundles[2]', reason: expect.stringContaining('“bundles[2]”') },
    ]);
  });
});
