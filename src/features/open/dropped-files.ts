/** Every file of a drop, those in its folders too, by path. To be called while the drop is being handled: its items are gone after. */
export async function droppedFiles(transfer: DataTransfer): Promise<readonly File[]> {
  const entries = [...transfer.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  // a picture dragged out of a page is a file without an entry
  if (entries.length === 0) return [...transfer.files];
  const found = (await Promise.all(entries.map(filesUnder))).flat();
  return found.sort((a, b) => a.path.localeCompare(b.path, undefined, { numeric: true })).map(({ file }) => file);
}

interface FoundFile {
  readonly path: string;
  readonly file: File;
}

async function filesUnder(entry: FileSystemEntry): Promise<readonly FoundFile[]> {
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    return [{ path: entry.fullPath, file }];
  }
  if (!isFolder(entry)) return [];
  const reader = entry.createReader();
  const found: FoundFile[] = [];
  // a folder is read in portions, the last of them empty
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
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
