// The command itself.
import { main } from './upscale.ts';

process.exitCode = await main(process.argv.slice(2));
