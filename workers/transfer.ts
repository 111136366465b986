import { isAbort, StudioError, type StudioErrorData } from '../src/protocol/errors.ts';
import type { RunEvent } from '../src/protocol/events.ts';
import type { Image8 } from '../src/protocol/request.ts';
import type { Living } from '../src/protocol/studio-api.ts';

/** What a failed call looks like on the wire: whole, and told apart from a cancel. */
export type WireFailure = { readonly kind: 'abort' } | { readonly kind: 'studio'; readonly error: StudioErrorData };

/** Any thrown value as a `StudioError` or an abort, ready to be cloned to the page. */
export function toWireFailure(error: unknown): WireFailure {
  if (isAbort(error)) return { kind: 'abort' };
  if (error instanceof StudioError) return { kind: 'studio', error: error.toData() };
  const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const wrapped = new StudioError('internal', `Something went wrong inside the studio (${reason}). Trying again may help.`, {
    cause: error,
  });
  return { kind: 'studio', error: wrapped.toData() };
}

/** The pixel buffers of pictures, to be moved rather than copied. */
export function buffersOf(...images: readonly Image8[]): ArrayBuffer[] {
  return images.flatMap(({ rgba8, rgba16 }) => (rgba16 === undefined ? [rgba8.buffer] : [rgba8.buffer, rgba16.buffer]));
}

/** The pixel buffers an event carries. */
export function eventBuffers(event: RunEvent): ArrayBuffer[] {
  if (event.type === 'rows' || event.type === 'first-stage') return buffersOf(event.image);
  if (event.type === 'step' && event.previews !== null) return buffersOf(event.previews.x0, event.previews.low, event.previews.high);
  return [];
}

/** What a page knows a worker's end by, also where it ends without a word. */
export const LIVING: Living = {
  holdLife: (name) =>
    new Promise((resolve, reject) => {
      navigator.locks
        .request(name, () => {
          resolve();
          return new Promise<never>(() => {});
        })
        .catch(reject);
    }),
};

/** Comlink loses an error's class and fields, but passes plain objects whole: failures cross as data. */
export function withWireFailures<T extends object>(target: T): T {
  return new Proxy(target, {
    get(object, key) {
      const member: unknown = Reflect.get(object, key);
      if (typeof member !== 'function') return member;
      return async (...words: unknown[]) => {
        try {
          return await Reflect.apply(member, object, words);
        } catch (error) {
          throw toWireFailure(error);
        }
      };
    },
  });
}

/** The site's folder of models, from a worker's own address: the build puts workers into assets/, models beside it. */
export function modelsFolder(workerUrl: string): URL {
  return new URL(import.meta.env.DEV ? '/models/' : '../models/', workerUrl);
}
