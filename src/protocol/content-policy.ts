/** What a file of the studio is, as far as its policy goes. `imaging`: the worker that libvips runs in, and its threads. */
export type PolicyFor = 'page' | 'script' | 'imaging' | 'models';

/** Where the build puts what libvips runs in. */
export const IMAGING_FOLDER = 'imaging';

/** Which policy a file has, by its address. */
export function policyOf(pathname: string): PolicyFor {
  if (/(\/|\.html)$/.test(pathname)) return 'page';
  if (pathname.includes(`/${IMAGING_FOLDER}/`)) return 'imaging';
  return /\/models\.worker-[^/]*$/.test(pathname) ? 'models' : 'script';
}

/**
 * The Content-Security-Policy of a page or a worker: all that it loads and asks for is this site's. Exceptions: libvips makes functions of text
 * (embind), so the worker that it runs in may; and the worker of models may ask `sites`, those that the person chose. `header`: whether it is
 * sent as one, since a page's own text cannot say who may frame it.
 */
export function contentPolicy(what: PolicyFor, sites: readonly string[] = [], header = true): string {
  const evaluation = what === 'imaging' ? " 'unsafe-eval'" : '';
  const rules = {
    'default-src': "'self'",
    'script-src': `'self' 'wasm-unsafe-eval'${evaluation}`,
    'connect-src': ["'self'", ...(what === 'models' ? sites : [])].join(' '),
    'img-src': "'self' blob: data:",
    'worker-src': "'self'",
    'object-src': "'none'",
    'base-uri': "'none'",
    'form-action': "'self'",
    ...(header ? { 'frame-ancestors': "'none'" } : {}),
  };
  return Object.entries(rules)
    .map(([name, value]) => `${name} ${value}`)
    .join('; ');
}

/** What threads of WASM need: a page that shares its process with no other site. */
export const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
} as const;

/** Every header that a file of the studio is sent with for safety. */
export function safetyHeaders(pathname: string, sites: readonly string[] = []): Readonly<Record<string, string>> {
  return {
    ...ISOLATION,
    'Content-Security-Policy': contentPolicy(policyOf(pathname), sites),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  };
}
