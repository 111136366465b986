// What a step costs outside its graphs, in Node and in Chromium: part of `npm run bench`, on its own. On WebGPU a processor plays the
// graphics card, with the smallest model and picture: what crosses is what would on any.
import { mkdirSync } from 'node:fs';
import sharp from 'sharp';
import { NANO_MODELS } from '../tests/support/nano.ts';
import { openSite } from '../tests/support/site.ts';
import { chromiumStepCost, nodeStepCost, type StepCost, stepCostTable } from './step-costs.ts';

const OUT = 'artifacts/steps';
const [MINI, NANO] = ['seesr-mini', 'pasd-nano'];

/** The costs of all runtimes. */
export async function measureSteps(source: string, out: string): Promise<readonly StepCost[]> {
  mkdirSync(out, { recursive: true });
  const [picture, small] = [`${out}/picture.png`, `${out}/small.png`];
  await sharp(source).resize(128, 128, { fit: 'cover' }).png().toFile(picture);
  await sharp(source).resize(16, 16, { fit: 'cover' }).png().toFile(small);
  const site = await openSite();
  try {
    const node = await nodeStepCost('public/models', MINI, picture);
    const nano = await nodeStepCost(NANO_MODELS, NANO, small);
    return [
      node,
      await chromiumStepCost(site.siteUrl, MINI, picture, 'wasm-threads', node),
      nano,
      await chromiumStepCost(site.nanoSiteUrl, NANO, small, 'webgpu', nano),
    ];
  } finally {
    await site.close();
  }
}

if (process.argv[1]?.endsWith('measure-steps.ts')) {
  const [source = 'public/samples/astronaut.jpg'] = process.argv.slice(2);
  console.log(stepCostTable(await measureSteps(source, OUT)));
}
