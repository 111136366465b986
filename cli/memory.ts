import { totalmem } from 'node:os';
import type { DeviceMemory } from '../src/protocol/studio-api.ts';

/** What this process and machine have; asked before a model is loaded, so that none is counted twice. */
export function nodeMemory(): DeviceMemory {
  return { totalBytes: totalmem(), programBytes: process.memoryUsage().rss, heapBytes: null, bindingBytes: null };
}
