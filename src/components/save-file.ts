const REVOKE_MS = 60_000;

/** Hands a file to the person, as a download. */
export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // the download begins later than the click
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_MS);
}
