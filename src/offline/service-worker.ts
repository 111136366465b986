/// <reference lib="WebWorker" />
import { addPlugins, cleanupOutdatedCaches, type PrecacheEntry, precacheAndRoute } from 'workbox-precaching';
import { registerRoute } from 'workbox-routing';
import { CacheFirst, NetworkFirst } from 'workbox-strategies';
import { policyOf, safetyHeaders } from '../protocol/content-policy.ts';
import { type OfflineAsk, SHARED_CACHE, SHARED_QUERY } from '../protocol/offline.ts';

declare const self: ServiceWorkerGlobalScope & { readonly __WB_MANIFEST: readonly (PrecacheEntry | string)[] };

// The studio without a network. The shell is kept when this is installed; what computes, and the list of models, once the page says that they are
// in use; weights lie in the origin private file system. Whatever is given from here has the headers of `safetyHeaders`, whether the host sends
// them or not. A new version waits until the person takes it.

const RUNTIMES = 'runtimes';
const MODEL_LISTS = 'model-lists';
const SITES = 'sites';
const SITES_ENTRY = new Request(new URL('sites.json', self.registration.scope));
/** ONNX Runtime with WebGPU: on other devices it is not used. */
const WEBGPU_ONLY = /asyncify/;

const entries = self.__WB_MANIFEST.map((entry) => (typeof entry === 'string' ? { url: entry } : entry));
const isRuntime = ({ url }: PrecacheEntry): boolean => /\.(wasm|mjs)$/.test(url);
const runtimes = entries.filter(isRuntime).map(({ url }) => new URL(url, self.registration.scope).href);

/** What is kept was asked for without an origin, as modules are not: the host's headers may say that this matters, to its files it does not. */
const ANY_ORIGIN = { ignoreVary: true };

const SAFE = { handlerWillRespond: async ({ request, response }: { request: Request; response: Response }) => safe(request, response) };

addPlugins([SAFE]);
precacheAndRoute(entries.filter((entry) => !isRuntime(entry)));
cleanupOutdatedCaches();
registerRoute(({ url }) => runtimes.includes(url.href), new CacheFirst({ cacheName: RUNTIMES, plugins: [SAFE], matchOptions: ANY_ORIGIN }));
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && /\/models\/(index|[^/]+\/manifest)\.json$/.test(url.pathname),
  new NetworkFirst({ cacheName: MODEL_LISTS, matchOptions: ANY_ORIGIN }),
);
registerRoute(
  ({ url, sameOrigin }) => sameOrigin && url.pathname.endsWith('/share'),
  ({ request }) => takeShared(request),
  'POST',
);

self.addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([self.clients.claim(), dropOldRuntimes()]));
});

self.addEventListener('message', (event) => {
  const ask = event.data as OfflineAsk;
  switch (ask.type) {
    case 'take-over':
      event.waitUntil(self.skipWaiting());
      break;
    case 'keep':
      event.waitUntil(Promise.all([keepRuntimes(ask.backend === 'webgpu'), keepModelLists()]));
      break;
    case 'allow':
      event.waitUntil(
        allow(ask.sites)
          .catch(() => null)
          .then((isNew) => event.ports[0]?.postMessage(isNew)),
      );
      break;
    default:
      ask satisfies never;
  }
});

/** The response with the studio's own headers. */
async function safe(request: Request, response: Response): Promise<Response> {
  // nothing can be said of what is hidden
  if (response.type === 'opaque' || response.type === 'opaqueredirect') return response;
  const { pathname } = new URL(request.url);
  const headers = new Headers(response.headers);
  const sites = policyOf(pathname) === 'models' ? await allowedSites() : [];
  for (const [name, value] of Object.entries(safetyHeaders(pathname, sites))) headers.set(name, value);
  const { status, statusText, body } = response;
  return new Response(body, { status, statusText, headers });
}

async function keepRuntimes(webgpu: boolean): Promise<void> {
  const cache = await caches.open(RUNTIMES);
  for (const url of runtimes) {
    const used = webgpu || !WEBGPU_ONLY.test(url);
    if (used && (await cache.match(url)) === undefined) await cache.add(url);
  }
}

async function dropOldRuntimes(): Promise<void> {
  const cache = await caches.open(RUNTIMES);
  for (const request of await cache.keys()) if (!runtimes.includes(request.url)) await cache.delete(request);
}

async function keepModelLists(): Promise<void> {
  const folder = new URL('models/', self.registration.scope);
  const cache = await caches.open(MODEL_LISTS);
  const list = await fetch(new URL('index.json', folder));
  if (!list.ok) return;
  await cache.put(list.url, list.clone());
  const { bundles = [] } = (await list.json()) as { readonly bundles?: readonly { readonly manifest?: unknown }[] };
  const manifests = bundles.flatMap(({ manifest }) => (typeof manifest === 'string' ? [new URL(manifest, folder).href] : []));
  await Promise.all(manifests.map((url) => cache.add(url)));
}

async function allowedSites(): Promise<readonly string[]> {
  const kept = await (await caches.open(SITES)).match(SITES_ENTRY);
  return kept === undefined ? [] : ((await kept.json()) as readonly string[]);
}

async function allow(sites: readonly string[]): Promise<boolean> {
  const known = await allowedSites();
  const fresh = sites.filter((site) => !known.includes(site));
  if (fresh.length === 0) return false;
  await (await caches.open(SITES)).put(SITES_ENTRY, Response.json([...known, ...fresh]));
  return true;
}

/** Pictures that another program shares with the studio wait in a cache until the page is there to take them. */
async function takeShared(request: Request): Promise<Response> {
  const cache = await caches.open(SHARED_CACHE);
  for (const [i, file] of (await request.formData()).getAll('pictures').entries()) {
    if (typeof file === 'string') continue;
    const headers = { 'content-type': file.type, 'x-name': encodeURIComponent(file.name) };
    await cache.put(new URL(`shared/${i}`, self.registration.scope), new Response(file, { headers }));
  }
  return Response.redirect(`${self.registration.scope}?${SHARED_QUERY}`, 303);
}
