// Time and memory over the size of the result, in Node and beside peers: part of `npm run bench`, on its own. `--large` adds 16 and 50
// megapixels, and a camera's picture in the page.
import { build, preview } from 'vite';
import { cameraTable, measureCamera, measureSizes, sizeTable, sizeVerdicts } from './sizes.ts';

const OUT = 'artifacts/sizes';
const words = process.argv.slice(2);
const large = words.includes('--large');
const [source = 'public/samples/astronaut.jpg'] = words.filter((word) => !word.startsWith('--'));
const rows = await measureSizes(source, OUT, large);
console.log([sizeTable(rows), ...sizeVerdicts(rows)].join('\n'));
if (large) {
  await build({ logLevel: 'error' });
  const server = await preview({ logLevel: 'error', preview: { port: 0, strictPort: false } });
  console.log(cameraTable(await measureCamera(server.resolvedUrls?.local[0] ?? '', source, OUT)));
  await server.close();
}
