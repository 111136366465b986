import { StudioError } from '../../src/protocol/errors.ts';
import { sizeWords } from '../../src/protocol/words.ts';
import type { FileEntry } from './bundle-files.ts';

// What can be wrong with a file of a model, each with a sentence of its own: what is to be done about them differs.

type Details = { readonly [key: string]: string | number };

/** Nothing came, or the connection broke off. */
export function lost(path: string, cause?: unknown): StudioError {
  return new StudioError('network-failed', `The model file “${path}” could not be loaded. Check the connection and try again.`, { cause });
}

/** The place has no such file. */
export function missing(path: string, where: string, details: Details = {}): StudioError {
  return new StudioError('weights-missing', `The model file “${path}” is missing ${where}.`, { details: { path, ...details } });
}

/** The place answers with a page for people, as it does for a wrong address or one that wants a sign-in. */
export function webPage(path: string, where: string): StudioError {
  const message = `Instead of the model file “${path}” there is a web page ${where}: the address may be wrong, or want a sign-in.`;
  return new StudioError('weights-missing', message, { details: { path } });
}

/** It ended early; what came of it is a beginning to go on from. */
export function truncated({ path, sizeBytes }: FileEntry, gotBytes: number): StudioError {
  const message = `The model file “${path}” ended after ${sizeWords(gotBytes)} of ${sizeWords(sizeBytes)}. Trying again goes on from there.`;
  return new StudioError('network-failed', message, { details: { path, gotBytes, expectedBytes: sizeBytes } });
}

/** As it lies there, it is shorter or longer than it should be. */
export function otherSize({ path, sizeBytes }: FileEntry, wholeBytes: number): StudioError {
  return notPromised(path, `has ${sizeWords(wholeBytes)} where its manifest promises ${sizeWords(sizeBytes)}`, {
    wholeBytes,
    expectedBytes: sizeBytes,
  });
}

/** More of it comes than there should be, and may come for ever. */
export function endless({ path, sizeBytes }: FileEntry): StudioError {
  return notPromised(path, `does not end after the ${sizeWords(sizeBytes)} that its manifest promises`, { expectedBytes: sizeBytes });
}

/** Its size is right, its content is not. */
export function altered({ path, sha256 }: FileEntry, actual: string): StudioError {
  return notPromised(path, 'has another content than its manifest promises (SHA-256)', { expected: sha256, actual });
}

function notPromised(path: string, how: string, details: Details): StudioError {
  const message = `The model file “${path}” ${how}, so it is not used. Loading it again may help.`;
  return new StudioError('weights-altered', message, { details: { path, ...details } });
}

/** There is no room for what would be kept. `freeBytes`: what there is, where the browser says it. */
export function noRoom(neededBytes: number, freeBytes: number | null): StudioError {
  const room = freeBytes === null ? 'the browser has no room for it' : `the browser has room for ${sizeWords(freeBytes)}`;
  const message = `${sizeWords(neededBytes)} are to be kept, but ${room}. Delete a model, or free space on the disk, and go on.`;
  return new StudioError('storage-full', message, { details: { neededBytes, freeBytes } });
}
