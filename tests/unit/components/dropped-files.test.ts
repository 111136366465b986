import { describe, expect, it } from 'vitest';
import { droppedFiles } from '../../../src/components/dropped-files.ts';

type Failing = (error: Error) => void;

const ERROR = new Error('made to fail');

function fileEntry(fullPath: string, readable = true) {
  const file = (resolve: (file: File) => void, reject: Failing) => (readable ? resolve(new File([], fullPath)) : reject(ERROR));
  return { fullPath, isFile: true, isDirectory: false, file };
}

/** A folder that gives what is in it one entry at a time, and then an empty portion, or an error. */
function folderEntry(fullPath: string, entries: readonly object[], readable = true) {
  const createReader = () => {
    const left = [...entries];
    const readEntries = (resolve: (portion: readonly object[]) => void, reject: Failing) =>
      left.length > 0 || readable ? resolve(left.splice(0, 1)) : reject(ERROR);
    return { readEntries };
  };
  return { fullPath, isFile: false, isDirectory: true, createReader };
}

async function dropped(entries: readonly object[]) {
  const transfer = { items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })), files: [] };
  const { files, unreadable } = await droppedFiles(transfer as unknown as DataTransfer);
  return { names: files.map(({ name }) => name), unreadable };
}

describe('a drop', () => {
  it('gives the files of its folders too, in the order of their paths', async () => {
    const inner = folderEntry('/a/inner', [fileEntry('/a/inner/10.png'), fileEntry('/a/inner/9.png')]);
    const names = ['/a/inner/9.png', '/a/inner/10.png', '/b.png'];
    expect(await dropped([fileEntry('/b.png'), folderEntry('/a', [inner])])).toEqual({ names, unreadable: 0 });
  });

  it('leaves out what cannot be read, and counts it', async () => {
    const locked = folderEntry('/a/locked', [fileEntry('/a/locked/1.png')], false);
    const folder = folderEntry('/a', [fileEntry('/a/1.png'), fileEntry('/a/2.png', false), locked]);
    expect(await dropped([folder])).toEqual({ names: ['/a/1.png', '/a/locked/1.png'], unreadable: 2 });
  });

  it('of a picture out of a page is a file without an entry', async () => {
    const transfer = { items: [{ webkitGetAsEntry: () => null }], files: [new File([], 'a.png')] };
    expect((await droppedFiles(transfer as unknown as DataTransfer)).files).toHaveLength(1);
  });
});
