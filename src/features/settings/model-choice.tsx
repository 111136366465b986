import { Button } from '../../components/button.tsx';
import { SelectField } from '../../components/select-field.tsx';
import { FAMILY_OPTIONS } from '../../protocol/families.ts';
import { RANGES } from '../../protocol/request.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './model-choice.module.css';

const SCALES = Array.from({ length: RANGES.scale.max }, (_, i) => String(RANGES.scale.min + i));

/** Model and scale: the two choices that stay in sight. */
export function ModelChoice() {
  const bundles = useStudio((state) => state.bundles);
  const unlisted = useStudio((state) => state.unlisted);
  const { bundleId, scale } = useStudio((state) => state.settings);
  const actions = useActions();
  const options =
    bundles.length === 0
      ? [{ value: bundleId, text: unlisted ? 'No models' : 'Loading…' }]
      : bundles.map(({ id, title, family }) => ({ value: id, text: title, group: FAMILY_OPTIONS[family].name }));
  return (
    <div className={styles['choice']}>
      <SelectField label="Model" labelHidden value={bundleId} options={options} onChange={(id) => void actions.chooseBundle(id)} />
      {unlisted && <Button onPress={() => void actions.listAgain()}>Load models again</Button>}
      <SelectField
        label="Scale"
        labelHidden
        value={String(scale)}
        options={SCALES.map((value) => ({ value, text: `×${value}` }))}
        onChange={(value) => actions.change({ scale: Number(value) })}
      />
    </div>
  );
}
