import { totalmem } from 'node:os';
import type { DeviceMemory } from '../src/protocol/studio-api.ts';

/** What this process and machine have for each of several runs at a time; to be asked once, before a model is loaded. */
export function nodeMemory(runs: number): DeviceMemory {
  // a container may have less than its machine; 0 where nothing is known of that
  const totalBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return { totalBytes: totalBytes / runs, programBytes: process.memoryUsage().rss / runs, heapBytes: null, bindingBytes: null };
}
