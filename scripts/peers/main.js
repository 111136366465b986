// A page that runs one peer on one picture: window.upscale(peer, pictureUrl) gives seconds of a warm run, and the link its PNG.
import * as tf from '@tensorflow/tfjs';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import slim from '@upscalerjs/esrgan-slim/4x';
import thick from '@upscalerjs/esrgan-thick/4x';
import { Upscaler as OnnxUpscaler } from 'upscalejs';
import Upscaler from 'upscaler';

const PACKAGES = `${location.origin}/node_modules`;

/** Both ESRGANs of UpscalerJS, in the patches its guide advises, on TensorFlow.js's WASM backend. */
async function upscaler(definition, name) {
  setWasmPaths(`${PACKAGES}/@tensorflow/tfjs-backend-wasm/dist/`);
  setThreadsCount(navigator.hardwareConcurrency);
  await tf.setBackend('wasm');
  const model = { ...definition, path: `${PACKAGES}/@upscalerjs/${name}/models/x4/model.json` };
  const instance = new Upscaler({ model });
  return async (bitmap) => {
    const pixels = tf.browser.fromPixels(bitmap);
    const result = await instance.upscale(pixels, { output: 'tensor', patchSize: 64, padding: 6 });
    const canvas = new OffscreenCanvas(4 * bitmap.width, 4 * bitmap.height);
    const rgba = await tf.browser.toPixels(result.clipByValue(0, 255).cast('int32'));
    canvas.getContext('2d').putImageData(new ImageData(rgba, canvas.width, canvas.height), 0, 0);
    return canvas;
  };
}

/** UpscaleJS's Real-ESRGAN (6 blocks, 8-bit weights) on ONNX Runtime. */
async function upscalejs() {
  const instance = new OnnxUpscaler({
    base: `${PACKAGES}/upscalejs/dist/`,
    model: '6B',
    workerCount: 1,
    numThreads: navigator.hardwareConcurrency,
  });
  return async (bitmap) => {
    const result = await instance.upscale(await createImageBitmap(bitmap), { forceUpscale: true });
    const canvas = new OffscreenCanvas(result.width, result.height);
    canvas.getContext('2d').drawImage(result, 0, 0);
    return canvas;
  };
}

const PEERS = {
  'upscaler (esrgan-slim)': () => upscaler(slim, 'esrgan-slim'),
  'upscaler (esrgan-thick)': () => upscaler(thick, 'esrgan-thick'),
  'upscalejs (Real-ESRGAN 6B)': upscalejs,
};

window.upscale = async (peer, pictureUrl) => {
  const run = await PEERS[peer]();
  const bitmap = await createImageBitmap(await (await fetch(pictureUrl)).blob());
  await run(await createImageBitmap(bitmap, 0, 0, 64, 64));
  const began = performance.now();
  const canvas = await run(bitmap);
  const seconds = (performance.now() - began) / 1000;
  document.querySelector('a').href = URL.createObjectURL(await canvas.convertToBlob());
  return seconds;
};
document.title = 'Ready';
