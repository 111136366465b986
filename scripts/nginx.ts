// Prints nginx's configuration of a host of the studio, with the headers that hold it to its own site.
import { IMAGING_FOLDER, safetyHeaders } from '../src/protocol/content-policy.ts';

const FOREVER = 'public, max-age=31536000, immutable';

/** A location of that address, sent with the headers of a file of it; names with hashes may be kept for good. */
function location(address: string, like: string, cache: string): string {
  const headers = { ...safetyHeaders(like), 'Cache-Control': cache };
  const lines = Object.entries(headers).map(([name, value]) => `    add_header ${name} "${value}" always;`);
  return [`  location ${address} {`, ...lines, '  }'].join('\n');
}

console.log(`server {
  listen 8080;
  root /usr/share/nginx/html;
  index index.html;
  include /etc/nginx/mime.types;
  types { text/javascript mjs; application/manifest+json webmanifest; }
  gzip on;
  gzip_types text/javascript text/css application/json application/wasm;
${location('/', '/', 'no-cache')}
${location('/assets/', '/assets/a.js', FOREVER)}
${location(`/${IMAGING_FOLDER}/`, `/${IMAGING_FOLDER}/a.js`, FOREVER)}
}`);
