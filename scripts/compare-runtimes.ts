// Every shipped bundle with its own defaults on PyTorch, onnxruntime-node and Chromium (WASM): how far the pictures are apart, in levels of
// 255; exit code 1 beyond one level in the mean. Part of `npm run bench`, on its own.
import { mkdirSync } from 'node:fs';
import sharp from 'sharp';
import { build, preview } from 'vite';
import { largestDistance, measureModels, modelTable, PARITY_LEVELS } from './models.ts';

const OUT = 'artifacts/runtimes';
const INPUT = `${OUT}/astronaut.png`;

mkdirSync(OUT, { recursive: true });
await sharp('public/samples/astronaut.jpg').removeAlpha().png().toFile(INPUT);
await build({ logLevel: 'error' });
const server = await preview({ logLevel: 'error', preview: { port: 0, strictPort: false } });
const models = await measureModels(server.resolvedUrls?.local[0] ?? '', INPUT, null, OUT);
await server.close();
console.log(modelTable(models));
process.exitCode = largestDistance(models) <= PARITY_LEVELS ? 0 : 1;
