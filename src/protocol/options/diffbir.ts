import { DDIM, DDPM, type FamilyOptions, FROM_INPUT, FROM_NOISE, SPACED_DDPM } from './family-options.ts';

/** DiffBIR v1 (its original inference.py), whose prompt is empty and guidance off. */
export const DIFFBIR_OPTIONS: FamilyOptions = {
  name: 'DiffBIR',
  about: 'A first network removes noise and blocks; diffusion then adds detail to what it left.',
  promptHelp: 'Empty as published; the tagged version reads the tags, separated by commas.',
  multiples: 'padded up',
  colourFrom: 'the first stage',
  samplers: [SPACED_DDPM, DDPM, DDIM],
  startPoints: [
    FROM_NOISE,
    { ...FROM_INPUT, text: 'The first stage, noised', help: 'Begins near what the first stage made: its forms and colours hold better.' },
  ],
  published: { steps: 50, guidance: 1, sampler: 'spaced-ddpm', startPoint: 'noise', colorFix: 'wavelet', positive: '', negative: '' },
};
