// Serves what was built and prints the address.
import { preview } from 'vite';

const server = await preview({ preview: { open: false } });
server.printUrls();
console.log('RFSR Studio is ready. Stop it with Ctrl+C.');
