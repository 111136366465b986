import { DDIM, DDPM, type FamilyOptions, FROM_INPUT, FROM_NOISE, UNIPC } from './family-options.ts';

/** PASD (test_pasd.py): a caption, or here tags, and strong guidance. */
export const PASD_OPTIONS: FamilyOptions = {
  name: 'PASD',
  about: 'Reads the input cell by cell through attention to its control network; few steps of a second-order sampler.',
  promptHelp: 'Tags, your words (a caption, if you like) and quality words, one after another.',
  multiples: 'resized down',
  colourFrom: 'the input',
  samplers: [UNIPC, DDPM, DDIM],
  startPoints: [
    {
      value: 'lr-twice',
      text: 'The input, noised twice',
      help: 'As PASD’s program does with libraries of today: the second time adds little, and much of the input is left.',
    },
    {
      value: 'lr-twice-legacy',
      text: 'Noised twice, as in the paper',
      help: 'As PASD’s program did with the library it was written for (diffusers before 0.22): the second time leaves hardly anything of the input.',
    },
    FROM_INPUT,
    FROM_NOISE,
  ],
  published: {
    steps: 20,
    guidance: 9,
    sampler: 'unipc',
    startPoint: 'lr-twice',
    colorFix: 'wavelet',
    positive: 'clean, high-resolution, 8k',
    negative: 'blurry, dotted, noise, raster lines, unclear, lowres, over-smoothed',
  },
};
