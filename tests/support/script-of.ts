import { fileURLToPath } from 'node:url';
import { build } from 'vite';

/** A file of this folder, and all it imports, as one script. */
export async function scriptOf(name: string): Promise<string> {
  const entry = fileURLToPath(new URL(name, import.meta.url));
  const lib = { entry, formats: ['es' as const], fileName: 'script' };
  const built = await build({ configFile: false, logLevel: 'error', publicDir: false, build: { write: false, target: 'es2024', lib } });
  const [script] = Array.isArray(built) ? (built[0]?.output ?? []) : [];
  if (script?.type !== 'chunk') throw new Error('expected one script');
  return script.code;
}
