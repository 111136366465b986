import { createSHA256 } from 'hash-wasm';

/** A SHA-256 that grows with what it is given: the browser's own wants all at once. */
export interface Sha256 {
  update(bytes: Uint8Array): void;
  /** Of all that was given, in hexadecimal; nothing can be added after it. */
  digest(): string;
}

export async function createSha256(): Promise<Sha256> {
  const hasher = (await createSHA256()).init();
  return { update: (bytes) => void hasher.update(bytes), digest: () => hasher.digest('hex') };
}

/** SHA-256 of a file, in hexadecimal, read piece by piece. */
export async function sha256Of(file: Blob): Promise<string> {
  const hash = await createSha256();
  const reader = file.stream().getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) hash.update(part.value);
  return hash.digest();
}
