import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { contentPolicy, IMAGING_FOLDER, ISOLATION, safetyHeaders } from './src/protocol/content-policy.ts';

/** File names of the parts that libvips runs in; the others go where all assets go. */
const IMAGING = /^(imaging\.worker|vips)/;

/** What pictures the installed studio opens and takes. */
const PICTURES = {
  'image/png': ['.png'],
  'image/jpeg': ['.jpg', '.jpeg'],
  'image/webp': ['.webp'],
  'image/avif': ['.avif'],
  'image/tiff': ['.tif', '.tiff'],
  'image/gif': ['.gif'],
  'image/bmp': ['.bmp'],
};

/** Holds the built page to its own site, by its own text and by headers; writes those for hosts that read a file of them. */
function safety(): Plugin {
  return {
    name: 'safety',
    apply: (_, { command, isPreview }) => command === 'build' || isPreview === true,
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: contentPolicy('page', [], false) },
        injectTo: 'head-prepend',
      },
    ],
    configurePreviewServer(server) {
      server.middlewares.use((request, response, next) => {
        const { pathname } = new URL(request.url ?? '/', 'http://localhost');
        for (const [name, value] of Object.entries(safetyHeaders(pathname))) response.setHeader(name, value);
        // the browser asks again for what may change under its name
        if (!pathname.startsWith('/assets/') && !pathname.startsWith(`/${IMAGING_FOLDER}/`))
          response.setHeader('Cache-Control', 'no-cache');
        next();
      });
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: '_headers', source: headersFile() });
    },
  };
}

/** For Netlify, Cloudflare Pages and others of that kind. Rules that match together add up, so each header stands where only one does. */
function headersFile(): string {
  const { 'Content-Security-Policy': _, ...everywhere } = safetyHeaders('/');
  const rule = (path: string, headers: Readonly<Record<string, string>>): string =>
    [path, ...Object.entries(headers).map(([name, value]) => `  ${name}: ${value}`)].join('\n');
  const policy = (what: Parameters<typeof contentPolicy>[0]) => ({ 'Content-Security-Policy': contentPolicy(what) });
  return `${[
    rule('/*', everywhere),
    rule('/', policy('page')),
    rule('/index.html', policy('page')),
    rule('/assets/*', policy('script')),
    rule(`/${IMAGING_FOLDER}/*`, policy('imaging')),
    rule('/service-worker.js', { ...policy('script'), 'Cache-Control': 'no-cache' }),
  ].join('\n\n')}\n`;
}

const folderOf = (name: string): string => (IMAGING.test(name) ? IMAGING_FOLDER : 'assets');

export default defineConfig({
  base: './',
  plugins: [
    react(),
    safety(),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src/offline',
      filename: 'service-worker.ts',
      injectRegister: null,
      injectManifest: {
        globPatterns: ['index.html', 'icon.svg', 'samples/*', '{assets,imaging}/*.{js,mjs,css,wasm}', 'manifest.webmanifest'],
        // the largest runtime, and no models
        maximumFileSizeToCacheInBytes: 40 * 2 ** 20,
      },
      manifest: {
        name: 'RFSR Studio',
        short_name: 'RFSR Studio',
        description: 'Diffusion super-resolution in the browser, step by step. Pictures never leave this device.',
        display: 'standalone',
        start_url: './',
        scope: './',
        background_color: '#141519',
        theme_color: '#1c1e23',
        icons: [{ src: './icon.svg', sizes: 'any', type: 'image/svg+xml', purpose: 'any' }],
        file_handlers: [{ action: './', accept: PICTURES }],
        share_target: {
          action: './share',
          method: 'POST',
          enctype: 'multipart/form-data',
          params: { files: [{ name: 'pictures', accept: Object.keys(PICTURES) }] },
        },
      },
    }),
  ],
  server: { headers: ISOLATION, port: 5173 },
  preview: { port: 4173 },
  worker: {
    format: 'es',
    rolldownOptions: {
      output: {
        entryFileNames: ({ name }) => `${folderOf(name)}/[name]-[hash].js`,
        chunkFileNames: ({ name }) => `${folderOf(name)}/[name]-[hash].js`,
        assetFileNames: ({ names: [name = ''] }) => `${folderOf(name)}/[name]-[hash][extname]`,
      },
    },
  },
  // ONNX Runtime's own WASM module stays a file of its own: its threads start from it
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'] },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  build: { target: 'es2024', sourcemap: true, chunkSizeWarningLimit: 900, license: { fileName: 'licenses/libraries.md' } },
});
