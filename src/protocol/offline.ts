import type { Backend } from './events.ts';

/** What the page asks of its service worker. */
export type OfflineAsk =
  /** Takes over from the version before: the page is loaded anew after. */
  | { readonly type: 'take-over' }
  /** Keeps what computes on this backend and the list of models, for when the network is off. */
  | { readonly type: 'keep'; readonly backend: Backend }
  /** Lets the worker of models ask these sites; answered with whether that is new, or null where it cannot be kept. */
  | { readonly type: 'allow'; readonly sites: readonly string[] };

/** Where pictures that were shared with the studio wait for it. */
export const SHARED_CACHE = 'shared';
/** The query under which the page is opened for them. */
export const SHARED_QUERY = 'shared';
