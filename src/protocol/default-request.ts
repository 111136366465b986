import type { Manifest } from './manifest.ts';
import type { Image8, RestoreRequest } from './request.ts';

export const DEFAULT_SCALE = 4;
export const DEFAULT_SEED = 42;

/** What a model asks for by itself: every part of a request its manifest determines. */
export function modelDefaults({ sampling, image }: Manifest) {
  return {
    steps: sampling.steps,
    guidance: sampling.guidance,
    sampler: sampling.sampler,
    startPoint: sampling.startPoint,
    positive: sampling.positivePrompt,
    negative: sampling.negativePrompt,
    colorFix: image.colorFix,
  } as const;
}

/** A whole request with the model's defaults, tags by the tagger and no previews. */
export function defaultRequest(manifest: Manifest, image: Image8): RestoreRequest {
  const { positive, negative, ...defaults } = modelDefaults(manifest);
  const prompt = { tags: null, user: '', positive, negative };
  return { image, scale: DEFAULT_SCALE, seed: DEFAULT_SEED, ...defaults, prompt, region: null, depth: 8, tileCells: null, preview: 'none' };
}
