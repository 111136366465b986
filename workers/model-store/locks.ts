/**
 * Does the work while no other tab or worker of this site does any under the same name. Throws AbortError once `signal` fires while it waits.
 * Where the browser has no locks, nobody else is known of.
 */
export async function alone<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const { locks } = navigator as { readonly locks?: LockManager };
  if (locks === undefined) return work();
  return locks.request(`rfsr-studio/${name}`, signal === undefined ? {} : { signal }, work);
}
