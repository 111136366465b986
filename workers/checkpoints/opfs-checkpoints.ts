import type { Tensor } from '../../src/core/tensor.ts';
import type { CheckpointStore } from '../engine.ts';
import type { CheckpointStep, RunCheckpoints } from '../pipelines/context.ts';
import { packTensors, unpackTensors } from './pack.ts';

const FOLDER = 'checkpoints';
const FINGERPRINT = 'fingerprint';
/** The newest step in full: of each lane its sample and its sampler's memory; before them how many steps and lanes there are. */
const LAST = 'last';
/** Steps are written together: a file system call for every step would slow short runs down. */
const SAVE_MS = 1000;
/** What nobody came back for, counted from its last step or else its start. */
const EXPIRES_MS = 7 * 24 * 3600 * 1000;

/**
 * Steps of runs in the origin private file system, a folder for each run: they outlive the worker, the page and the browser. Where nothing can
 * be kept, nothing is: a checkpoint is never worth a failed run, and `onUnkept` hears why.
 */
export class OpfsCheckpoints implements CheckpointStore {
  readonly #onUnkept: (reason: string) => void;

  constructor(onUnkept: (reason: string) => void) {
    this.#onUnkept = onUnkept;
  }

  open(runId: string, fingerprint: string): RunCheckpoints {
    /** Null until the run was looked for, and again once a step could not be kept: later ones would pass for it. */
    let folder: FileSystemDirectoryHandle | null = null;
    let unsaved: CheckpointStep[] = [];
    let saved = 0;
    let savedAt = performance.now();
    const isEqual = async (left: FileSystemDirectoryHandle): Promise<boolean> => {
      const known = await readFile(left, FINGERPRINT);
      return known !== null && new TextDecoder().decode(known) === fingerprint;
    };
    return {
      begun: async () => {
        const found = await this.#attempt(async () => {
          const left = await ifThere(async () => (await allRuns()).getDirectoryHandle(runId));
          return left !== null && (await isEqual(left)) && (await openFile(left, LAST)) !== null;
        });
        return found ?? false;
      },
      load: async (x0Bytes) =>
        this.#attempt(async () => {
          await removeExpired();
          const runs = await allRuns();
          const left = await runs.getDirectoryHandle(runId, { create: true });
          if (await isEqual(left)) {
            const found = await readSteps(left, x0Bytes);
            saved = found?.x0ByStep.length ?? 0;
            folder = left;
            return found;
          }
          await runs.removeEntry(runId, { recursive: true });
          const fresh = await runs.getDirectoryHandle(runId, { create: true });
          await writeFile(fresh, FINGERPRINT, new TextEncoder().encode(fingerprint));
          folder = fresh;
          return null;
        }),
      save: async (step) => {
        const into = folder;
        if (into === null) return;
        unsaved.push(step);
        if (performance.now() - savedAt < SAVE_MS) return;
        folder = await this.#attempt(async () => {
          for (const [i, { lanes }] of unsaved.entries()) await writeFile(into, `x0-${saved + i}`, packTensors(lanes.map(({ x0 }) => x0)));
          saved += unsaved.length;
          const tensors = step.lanes.flatMap(({ sample, memory }) => [sample, ...memory]);
          await writeFile(into, LAST, packTensors([{ dims: [2], data: Float32Array.of(saved, step.lanes.length) }, ...tensors]));
          return into;
        });
        unsaved = [];
        savedAt = performance.now();
      },
    };
  }

  async forget(runId: string): Promise<void> {
    await this.#attempt(async () => {
      const runs = await allRuns();
      return ifThere(() => runs.removeEntry(runId, { recursive: true }));
    });
  }

  async #attempt<T>(work: () => Promise<T | null>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      this.#onUnkept(error instanceof Error ? error.message : String(error));
      return null;
    }
  }
}

async function allRuns(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(FOLDER, { create: true });
}

async function removeExpired(): Promise<void> {
  const runs = await allRuns();
  for await (const [name, entry] of runs.entries()) {
    if (entry.kind !== 'directory') continue;
    const file = (await openFile(entry, LAST)) ?? (await openFile(entry, FINGERPRINT));
    if (file !== null && Date.now() - file.lastModified > EXPIRES_MS) await runs.removeEntry(name, { recursive: true });
  }
}

/** The steps of a folder, as far as they are whole; see `RunCheckpoints.load`. */
async function readSteps(folder: FileSystemDirectoryHandle, x0Bytes: number): ReturnType<RunCheckpoints['load']> {
  const last = await readTensors(folder, LAST);
  const [counts, ...tensors] = last ?? [];
  const [steps, lanes] = counts?.data ?? [];
  if (steps === undefined || lanes === undefined) return null;
  const stepBytes = lanes * (tensors[0]?.data.byteLength ?? 0);
  const room = Math.max(2, Math.floor(x0Bytes / stepBytes));
  const x0ByStep: (readonly Tensor[] | null)[] = [];
  for (let index = 0; index < steps; index++) {
    if (index < steps - room) {
      x0ByStep.push(null);
      continue;
    }
    const x0s = await readTensors(folder, `x0-${index}`);
    if (x0s === null) return null;
    x0ByStep.push(x0s);
  }
  const each = tensors.length / lanes;
  const newest = x0ByStep.at(-1) ?? [];
  const states = newest.map((x0, lane) => {
    const [sample, ...memory] = tensors.slice(lane * each, (lane + 1) * each);
    return sample === undefined ? null : { x0, sample, memory };
  });
  const whole = states.filter((state) => state !== null);
  return whole.length === lanes ? { x0ByStep, last: { lanes: whole } } : null;
}

async function readTensors(folder: FileSystemDirectoryHandle, name: string) {
  const packed = await readFile(folder, name);
  return packed === null ? null : unpackTensors(packed);
}

async function readFile(folder: FileSystemDirectoryHandle, name: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const file = await openFile(folder, name);
  return file === null ? null : new Uint8Array(await file.arrayBuffer());
}

async function openFile(folder: FileSystemDirectoryHandle, name: string): Promise<File | null> {
  return ifThere(async () => (await folder.getFileHandle(name)).getFile());
}

/** Null where what is asked for is not there. */
async function ifThere<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return null;
    throw error;
  }
}

/** Written beside its place first, as the file system does: what is there is whole. */
async function writeFile(folder: FileSystemDirectoryHandle, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
  await stream.write(bytes);
  await stream.close();
}
