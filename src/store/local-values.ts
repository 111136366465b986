/** What was remembered under a key in this browser; null for nothing, and where the browser keeps nothing of this site. */
export function readLocal(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

/** Remembers a value for the next visit, where the browser does: it is a comfort, and not worth a failure. */
export function writeLocal(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // blocked, or full
  }
}
