import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ShardedBundle } from './shards.ts';

/** How the site answers one request for a file, instead of giving it. */
export type Fault = (content: Buffer, response: ServerResponse, from: number) => void;

export interface OtherSite {
  /** Of the bundle's folder. */
  readonly url: string;
  /** Every request: the file, and the byte it began with. */
  readonly requests: { readonly path: string; readonly from: number }[];
  /** What the next request for a file meets. */
  readonly faults: Map<string, Fault>;
  readonly close: () => void;
}

/** Another site, on this machine, with a bundle and parts of files on demand. */
export async function openOtherSite({ manifest, files }: ShardedBundle): Promise<OtherSite> {
  const requests: OtherSite['requests'] = [];
  const faults = new Map<string, Fault>();
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace('/bundle/', '');
    const from = Number(/\d+/.exec(request.headers.range ?? '')?.[0] ?? 0);
    requests.push({ path, from });
    response.setHeader('access-control-allow-origin', '*');
    const content = path === 'manifest.json' ? Buffer.from(manifest) : files.get(path);
    if (content === undefined) return response.writeHead(404).end();
    const fault = faults.get(path);
    faults.delete(path);
    if (fault !== undefined) return fault(content, response, from);
    response.writeHead(from === 0 ? 200 : 206, { 'content-length': content.length - from });
    return response.end(content.subarray(from));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/bundle/`;
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url, requests, faults, close };
}
