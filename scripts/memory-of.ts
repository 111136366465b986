import { readdirSync, readFileSync } from 'node:fs';

const INTERVAL_MS = 500;

/** The most that all processes below this one held together while some work was done, in bytes; null where the system does not tell (not Linux). */
export async function peakBelow<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly peakBytes: number | null }> {
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, bytesBelow());
  }, INTERVAL_MS);
  try {
    const result = await work();
    return { result, peakBytes: peak === 0 ? null : peak };
  } finally {
    clearInterval(timer);
  }
}

/** Proportional set sizes: memory that processes share is counted once. */
function bytesBelow(): number {
  const parents = new Map<number, number>();
  for (const entry of listed('/proc')) {
    // PID (name) state PPID; the name may hold anything
    const fields = read(`/proc/${entry}/stat`).split(') ').at(-1)?.split(' ');
    if (/^\d+$/.test(entry) && fields !== undefined) parents.set(Number(entry), Number(fields[1]));
  }
  const below = (pid: number): boolean => {
    const parent = parents.get(pid);
    return parent !== undefined && (parent === process.pid || below(parent));
  };
  return [...parents.keys()]
    .filter(below)
    .reduce((sum, pid) => sum + 1024 * Number(/^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0), 0);
}

function listed(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** A process may end while it is looked at. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
