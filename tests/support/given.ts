import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GivenFile } from '../../src/protocol/models-api.ts';
import { NANO_MODELS } from './nano.ts';

export type Change = (manifest: Record<string, unknown>) => void;

/** A manifest of the nano models under another id, changed. */
export function otherManifest(bundle: string, id: string, change: Change = () => {}): string {
  const manifest = JSON.parse(readFileSync(join(NANO_MODELS, bundle, 'manifest.json'), 'utf8')) as Record<string, unknown>;
  Object.assign(manifest, { id, title: `My ${id}` });
  change(manifest);
  return JSON.stringify(manifest);
}

/** Files of some folders of the nano models, as a person gives them. */
export function givenFolders(...folders: readonly string[]): GivenFile[] {
  return folders.flatMap((folder) =>
    readdirSync(join(NANO_MODELS, folder)).map((name) => ({
      path: `models/${folder}/${name}`,
      file: new File([new Uint8Array(readFileSync(join(NANO_MODELS, folder, name)))], name),
    })),
  );
}

/** The same files, one of them with another content. */
export function withFile(files: readonly GivenFile[], path: string, content: BlobPart): GivenFile[] {
  const file = new File([content], path.slice(path.lastIndexOf('/') + 1));
  return [...files.filter((given) => given.path !== path), { path, file }];
}
