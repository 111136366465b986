import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NANO_MODELS } from './nano.ts';

// A graph's weights cut into files beside it, as large ones are: ONNX's ModelProto rewritten, its tensors pointing into shards (onnx.proto).

const GRAPH = 7;
const INITIALIZER = 5;
const RAW_DATA = 9;
const EXTERNAL_DATA = 13;
const DATA_LOCATION = 14;
/** Smaller tensors stay in the graph, as those of an export do: what shapes are inferred from must. */
const LEAST_BYTES = 1024;

interface FieldOf {
  readonly number: number;
  readonly wire: number;
  /** Of a length-delimited field its content, of any other its bytes. */
  readonly content: Buffer;
}

function* fieldsOf(message: Buffer): Generator<FieldOf> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const wire = key & 7;
    const from = at;
    if (wire === 0) varint();
    else if (wire === 5) at += 4;
    else if (wire === 1) at += 8;
    const length = wire === 2 ? varint() : at - from;
    const start = wire === 2 ? at : from;
    at = start + length;
    yield { number: key >>> 3, wire, content: message.subarray(start, at) };
  }
}

function varintOf(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}

function written(fields: readonly FieldOf[]): Buffer {
  const parts = fields.map(({ number, wire, content }) => {
    const key = varintOf(number * 8 + wire);
    return Buffer.concat(wire === 2 ? [key, varintOf(content.length), content] : [key, content]);
  });
  return Buffer.concat(parts);
}

const text = (number: number, value: string): FieldOf => ({ number, wire: 2, content: Buffer.from(value) });

/** The graph without the weights, and those in `count` files of the given names. */
function cut(model: Buffer, names: readonly string[]): { readonly graph: Buffer; readonly shards: readonly Buffer[] } {
  const shards: Buffer[][] = names.map(() => []);
  let tensors = 0;
  const external = (tensor: Buffer): Buffer => {
    const fields = [...fieldsOf(tensor)];
    const raw = fields.find(({ number }) => number === RAW_DATA)?.content;
    if (raw === undefined || raw.length < LEAST_BYTES) return tensor;
    const index = tensors++ % names.length;
    const shard = shards[index] ?? [];
    const offset = shard.reduce((sum, { length }) => sum + length, 0);
    shard.push(raw);
    const entries = { location: names[index] ?? '', offset: String(offset), length: String(raw.length) };
    const pointers = Object.entries(entries).map(([key, value]): FieldOf => {
      return { number: EXTERNAL_DATA, wire: 2, content: written([text(1, key), text(2, value)]) };
    });
    const rest = fields.filter(({ number }) => number !== RAW_DATA);
    return written([...rest, ...pointers, { number: DATA_LOCATION, wire: 0, content: Buffer.from([1]) }]);
  };
  const graphOf = (graph: Buffer): Buffer =>
    written([...fieldsOf(graph)].map((field) => (field.number === INITIALIZER ? { ...field, content: external(field.content) } : field)));
  const graph = written(
    [...fieldsOf(model)].map((field) => (field.number === GRAPH ? { ...field, content: graphOf(field.content) } : field)),
  );
  return { graph, shards: shards.map((parts) => Buffer.concat(parts)) };
}

export interface ShardedBundle {
  readonly manifest: string;
  /** By path, relative to the manifest. */
  readonly files: ReadonlyMap<string, Buffer>;
  readonly shardNames: readonly string[];
}

interface ManifestFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A nano bundle under another id, everything in its own folder, its denoiser's weights in `count` files. */
export function shardedBundle(bundle: string, id: string, count: number): ShardedBundle {
  const folder = join(NANO_MODELS, bundle);
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  const files = new Map<string, Buffer>();
  const entry = (path: string, content: Buffer): ManifestFile => {
    files.set(path, content);
    return { path, sizeBytes: content.length, sha256: createHash('sha256').update(content).digest('hex') };
  };
  const copied = ({ path }: ManifestFile): ManifestFile => entry(path.slice(path.lastIndexOf('/') + 1), readFileSync(join(folder, path)));
  const shardNames = Array.from({ length: count }, (_, i) => `denoiser-${String(i + 1).padStart(2, '0')}-of-${count}.data`);
  for (const [role, chain] of Object.entries<{ files: readonly ManifestFile[] }[]>(manifest.graphs)) {
    for (const graph of chain) {
      if (role !== 'denoiser') graph.files = graph.files.map(copied);
      else {
        const { graph: bare, shards } = cut(readFileSync(join(folder, graph.files[0]?.path ?? '')), shardNames);
        graph.files = [entry('denoiser.onnx', bare), ...shards.map((shard, i) => entry(shardNames[i] ?? '', shard))];
      }
    }
  }
  Object.assign(manifest.tokenizer, copied(manifest.tokenizer));
  Object.assign(manifest, { id, title: 'Nano in shards', pairedWith: null });
  return { manifest: JSON.stringify(manifest), files, shardNames };
}
