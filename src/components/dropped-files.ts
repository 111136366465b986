/** What there is in a drop. */
export interface Dropped {
  readonly files: readonly File[];
  /** Of each file, within what was dropped. */
  readonly paths: readonly string[];
  /** How many files and folders could not be read. */
  readonly unreadable: number;
}

/** Every file of a drop, those in its folders too, by path. To be called while the drop is being handled: its items are gone after. */
export async function droppedFiles(transfer: DataTransfer): Promise<Dropped> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  // a picture dragged out of a page is a file without an entry
  if (entries.length === 0) {
    const files = [...transfer.files];
    return { files, paths: files.map(({ name }) => name), unreadable: 0 };
  }
  const found = (await Promise.all(entries.map(filesUnder))).flat();
  found.sort((a, b) => a.path.localeCompare(b.path, undefined, { numeric: true }));
  const read = found.flatMap(({ path, file }) => (file === null ? [] : [{ path, file }]));
  return { files: read.map(({ file }) => file), paths: read.map(({ path }) => path), unreadable: found.length - read.length };
}

interface Found {
  readonly path: string;
  /** Null for what could not be read. */
  readonly file: File | null;
}

async function filesUnder(entry: FileSystemEntry): Promise<readonly Found[]> {
  const path = entry.fullPath;
  if (isFile(entry)) {
    const file = await new Promise<File | null>((resolve) => entry.file(resolve, () => resolve(null)));
    return [{ path, file }];
  }
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const found: Found[] = [];
  // a folder is read in portions, the last of them empty
  for (;;) {
    const portion = await new Promise<FileSystemEntry[] | null>((resolve) => reader.readEntries(resolve, () => resolve(null)));
    if (portion === null) return [...found, { path, file: null }];
    if (portion.length === 0) return found;
    found.push(...(await Promise.all(portion.map(filesUnder))).flat());
  }
}

// browsers do not name the classes of entries
function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
