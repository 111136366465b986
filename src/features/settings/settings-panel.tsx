import { Button } from '../../components/button.tsx';
import { NumberInput } from '../../components/number-input.tsx';
import { SelectField } from '../../components/select-field.tsx';
import { SliderField } from '../../components/slider-field.tsx';
import { SwitchField } from '../../components/switch-field.tsx';
import { FAMILY_OPTIONS } from '../../protocol/families.ts';
import type { Choice } from '../../protocol/options/family-options.ts';
import { CELL_PIXELS, type ColorFix, RANGES, TILE_CELLS } from '../../protocol/request.ts';
import { pairOf } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';
import { usePlan } from '../../store/use-plan.ts';
import { PictureChoices } from './picture-choices.tsx';
import { SettingsOwner } from './settings-owner.tsx';
import styles from './settings-panel.module.css';

function colourOptions(from: string): readonly { readonly value: ColorFix; readonly text: string }[] {
  return [
    { value: 'wavelet', text: `Wavelet: low tones of ${from}` },
    { value: 'adain', text: `AdaIN: mean and spread of ${from}` },
    { value: 'none', text: 'None' },
  ];
}

const AUTOMATIC = 'automatic';
const TILE_OPTIONS = [
  { value: AUTOMATIC as string, text: 'Automatic' },
  ...TILE_CELLS.toReversed().map((cells) => ({ value: String(cells), text: `${CELL_PIXELS * cells} pixels` })),
];

/** Above its own guidance by more than this, a mini model is known to give worse pictures. */
const GUIDANCE_SLACK = 1.5;
const TOO_MUCH_TEXT = 'So much guidance is known to spoil the pictures of a mini model: harsh edges and grain. Full-size models need it.';
/** Where the family's authors take no more. */
const MAX_STEPS = 50;

export function SettingsPanel() {
  const settings = useStudio((state) => state.settings);
  const plan = usePlan();
  const paired = useStudio((state) => pairOf(state, state.settings.bundleId) !== null);
  // known before the model's manifest is: the panel stays as it is opened
  const family = useStudio((state) => state.bundles.find(({ id }) => id === state.settings.bundleId)?.family ?? null);
  const manifest = useStudio((state) => state.manifests[state.settings.bundleId]);
  const tooMuch = manifest?.size === 'mini' && settings.guidance > Math.max(1, manifest.sampling.guidance) + GUIDANCE_SLACK;
  const { change, takeModelSettings } = useActions();
  const options = family === null ? null : FAMILY_OPTIONS[family];
  return (
    <div className={styles['panel']}>
      <SettingsOwner />
      <PictureChoices />
      {options !== null && <p className={styles['about']}>{options.about}</p>}
      {paired && (
        <div className={styles['panel']}>
          <SwitchField label="Compare base and RFSR" selected={settings.compare} onChange={(compare) => change({ compare })} />
          <p className={styles['hint']}>
            RFSR is the same model after fine-tuning that rewards what people like to see. Both run step by step on the same noise, which
            takes somewhat less than two runs.
          </p>
        </div>
      )}
      <SliderField
        label="Steps"
        typed
        value={settings.steps}
        min={1}
        max={Math.max(MAX_STEPS, options?.published.steps ?? 0)}
        onChange={(steps) => change({ steps })}
      />
      <NumberInput
        label="Guidance"
        value={settings.guidance}
        {...RANGES.guidance}
        step={0.1}
        onChange={(guidance) => change({ guidance })}
      />
      <p className={styles['hint']}>
        {settings.guidance > 1
          ? 'Pushes towards the prompt and away from the negative one; each step runs the model twice.'
          : 'At 1 and below the negative prompt is not used; each step runs the model once.'}
      </p>
      {tooMuch && <p className={styles['warning']}>{TOO_MUCH_TEXT}</p>}
      <NumberInput label="Seed" value={settings.seed} {...RANGES.seed} onChange={(seed) => change({ seed })}>
        <Button onPress={() => change({ seed: crypto.getRandomValues(new Uint32Array(1))[0] ?? 0 })} label="Random seed">
          ⚂
        </Button>
      </NumberInput>
      <SelectField
        label="Colour"
        value={settings.colorFix}
        options={colourOptions(options?.colourFrom ?? 'the input')}
        onChange={(colorFix) => change({ colorFix })}
      />
      {options !== null && (
        <details className={styles['advanced']}>
          <summary>Advanced</summary>
          <div className={styles['panel']}>
            <SelectField label="Sampler" value={settings.sampler} options={options.samplers} onChange={(sampler) => change({ sampler })} />
            <ChoiceHint choices={options.samplers} value={settings.sampler} />
            <SelectField
              label="Start from"
              value={settings.startPoint}
              options={options.startPoints}
              onChange={(startPoint) => change({ startPoint })}
            />
            <ChoiceHint choices={options.startPoints} value={settings.startPoint} />
            <SelectField
              label="Tile size"
              value={String(settings.tileCells ?? AUTOMATIC)}
              options={TILE_OPTIONS}
              onChange={(value) => change({ tileCells: TILE_CELLS.find((cells) => String(cells) === value) ?? null })}
            />
            {plan !== null && <p className={styles['hint']}>{plan.kind === 'plan' ? plan.reason : plan.message}</p>}
            <div className={styles['presets']}>
              <Button onPress={() => change(options.published)}>{options.name}’s published settings</Button>
              <Button onPress={() => takeModelSettings()}>This model’s own</Button>
            </div>
            <p className={styles['hint']}>
              The published settings belong to the full-size network; a mini gives worse pictures with them. A model’s own are those that
              measured best with its weights.
            </p>
          </div>
        </details>
      )}
    </div>
  );
}

/** What the chosen one of several does. */
function ChoiceHint<T extends string>({ choices, value }: { readonly choices: readonly Choice<T>[]; readonly value: T }) {
  const chosen = choices.find((choice) => choice.value === value);
  return chosen === undefined ? null : <p className={styles['hint']}>{chosen.help}</p>;
}
