import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// SharedArrayBuffer, and with it WASM threads, needs cross-origin isolation
const ISOLATION = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

export default defineConfig({
  base: './',
  plugins: [react()],
  server: { headers: ISOLATION, port: 5173 },
  preview: { headers: ISOLATION, port: 4173 },
  worker: { format: 'es' },
  // ONNX Runtime's own WASM module stays a file of its own: its threads start from it
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', 'module', 'browser', 'development|production'] },
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  build: { target: 'es2024', sourcemap: true, chunkSizeWarningLimit: 900, license: { fileName: 'licenses/libraries.md' } },
});
