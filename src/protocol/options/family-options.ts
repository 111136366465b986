import type { ColorFix, SamplerName, StartPoint } from '../request.ts';

export interface Choice<T extends string> {
  readonly value: T;
  readonly text: string;
  /** What it does, in a line. */
  readonly help: string;
}

/** A family as people meet it: its name, what it does in a sentence, the choices that make sense for it, and its published settings. */
export interface FamilyOptions {
  readonly name: string;
  readonly about: string;
  /** What its prompt is made of. */
  readonly promptHelp: string;
  /** How the working picture comes to whole multiples. */
  readonly multiples: 'resized down' | 'padded up';
  /** Whose colours a result is given. */
  readonly colourFrom: 'the input' | 'the first stage';
  /** The family's own first. */
  readonly samplers: readonly Choice<SamplerName>[];
  readonly startPoints: readonly Choice<StartPoint>[];
  /** What the authors' own program uses; a bundle's defaults are what measures best with its weights. */
  readonly published: {
    readonly steps: number;
    readonly guidance: number;
    readonly sampler: SamplerName;
    readonly startPoint: StartPoint;
    readonly colorFix: ColorFix;
    readonly positive: string;
    readonly negative: string;
  };
}

export const DDPM: Choice<SamplerName> = {
  value: 'ddpm',
  text: 'DDPM: fresh noise each step',
  help: 'Ancestral sampling: takes noise away and adds some anew in every step, for more texture.',
};
export const DDIM: Choice<SamplerName> = {
  value: 'ddim',
  text: 'DDIM: no fresh noise',
  help: 'Deterministic: no noise but that of the start. Calmer, and fewer steps will do.',
};
export const SPACED_DDPM: Choice<SamplerName> = {
  value: 'spaced-ddpm',
  text: 'DDPM, spaced over the whole schedule',
  help: 'Fresh noise after each step; its steps reach from pure noise to none, however few.',
};
export const UNIPC: Choice<SamplerName> = {
  value: 'unipc',
  text: 'UniPC: few steps',
  help: 'Second order: learns from the step before, and is close to the end result in few steps.',
};

export const FROM_INPUT: Choice<StartPoint> = {
  value: 'lr',
  text: 'The input, noised',
  help: 'Begins near the input: its large forms and colours hold better.',
};
export const FROM_NOISE: Choice<StartPoint> = {
  value: 'noise',
  text: 'Pure noise',
  help: 'Begins with nothing: the model sees the input only as its condition.',
};
