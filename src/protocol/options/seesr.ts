import { DDIM, DDPM, type FamilyOptions, FROM_INPUT, FROM_NOISE, UNIPC } from './family-options.ts';

/** SeeSR (test_seesr.py). The paper says 50 steps of DDIM; its program runs DDPM. */
export const SEESR_OPTIONS: FamilyOptions = {
  name: 'SeeSR',
  about: 'Guided by tags in words and by what the tagger sees, at every scale of the network.',
  promptHelp: 'Tags, your words and quality words, separated by commas.',
  multiples: 'resized down',
  colourFrom: 'the input',
  samplers: [DDPM, DDIM, UNIPC],
  startPoints: [FROM_INPUT, FROM_NOISE],
  published: {
    steps: 50,
    guidance: 5.5,
    sampler: 'ddpm',
    startPoint: 'lr',
    colorFix: 'adain',
    positive: 'clean, high-resolution, 8k',
    negative: 'dotted, noise, blur, lowres, smooth',
  },
};
