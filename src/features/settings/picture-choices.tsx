import { Button } from '../../components/button.tsx';
import { NumberInput } from '../../components/number-input.tsx';
import { SelectField } from '../../components/select-field.tsx';
import type { AlphaUse } from '../../protocol/request.ts';
import { selectedItem } from '../../store/queue.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './settings-panel.module.css';

/** What is chosen of the picture in the viewer alone, where its file leaves a choice: the page, and what its alpha is. */
export function PictureChoices() {
  return (
    <>
      <PageChoice />
      <AlphaChoice />
    </>
  );
}

/** Which page or frame of a file that has several; or all of them. */
function PageChoice() {
  const pages = useStudio((state) => state.picture.source?.pages ?? 1);
  const page = useStudio((state) => selectedItem(state.queue)?.page ?? 0);
  const { openPage, addPages } = useActions();
  if (pages === 1) return null;
  return (
    <div className={styles['panel']}>
      <NumberInput label={`Page, of ${pages}`} value={page + 1} min={1} max={pages} onChange={(chosen) => void openPage(chosen - 1)}>
        <Button onPress={() => void addPages()}>All to the queue</Button>
      </NumberInput>
    </div>
  );
}

const AUTOMATIC = 'automatic';
const LOOKS: Readonly<Record<AlphaUse, string>> = { transparency: 'see-through', mask: 'a mask' };

/** What the alpha of a picture that has some is. */
function AlphaChoice() {
  const look = useStudio((state) => state.picture.source?.alpha ?? null);
  const alpha = useStudio((state) => state.settings.alpha);
  const { change } = useActions();
  if (look === null) return null;
  const options = [
    { value: AUTOMATIC as AlphaUse | typeof AUTOMATIC, text: `As it looks: ${LOOKS[look]}` },
    { value: 'transparency' as const, text: 'See-through: hides what lies under it' },
    { value: 'mask' as const, text: 'A mask: a channel beside the colours' },
  ];
  return (
    <>
      <SelectField
        label="Alpha"
        value={alpha ?? AUTOMATIC}
        options={options}
        onChange={(chosen) => change({ alpha: chosen === AUTOMATIC ? null : chosen })}
      />
      <p className={styles['hint']}>
        {(alpha ?? look) === 'mask'
          ? 'Colours are kept as they are where alpha is 0, as textures of games need it.'
          : 'Colours that nobody sees are replaced by those beside them, so that edges have no fringe.'}
      </p>
    </>
  );
}
