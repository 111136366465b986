// Time and memory over the size of the result, in Node: part of `npm run bench`, on its own. `--large` adds 16 and 50 megapixels.
import { measureSizes, sizeTable } from './sizes.ts';

const words = process.argv.slice(2);
const [source = 'public/samples/astronaut.jpg'] = words.filter((word) => !word.startsWith('--'));
console.log(sizeTable(await measureSizes(source, 'artifacts/sizes', words.includes('--large'))));
