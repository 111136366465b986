import { type SyntheticEvent, useState } from 'react';
import { Button } from '../../components/button.tsx';
import { TextArea } from '../../components/text-area.tsx';
import { FAMILY_OPTIONS } from '../../protocol/families.ts';
import { selectedItem } from '../../store/queue.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './prompt-panel.module.css';

/** Words to keep away from, for what a picture suffers from. */
const NEGATIVES = {
  Blur: 'blur, out of focus, lowres, soft',
  Noise: 'noise, grain, dotted, jpeg artifacts',
  Paint: 'oil painting, cartoon, over-smooth, plastic',
  None: '',
} as const;

/** Tags the model saw, or the person's own, and the words around them. */
export function PromptPanel() {
  const settings = useStudio((state) => state.settings);
  const seen = useStudio((state) => selectedItem(state.queue)?.seen ?? null);
  const { change } = useActions();
  const manifest = useStudio((state) => state.manifests[state.settings.bundleId]);
  const shown = settings.tags ?? seen?.tags ?? null;
  return (
    <div className={styles['panel']}>
      <div>
        <h3 className={styles['heading']}>Tags</h3>
        {shown === null ? (
          <p className={styles['hint']}>
            {manifest?.tagged === false
              ? 'This model reads no tags of its own. Those you add become its prompt.'
              : 'The model names what it sees when a run starts. You can change the tags then, or set your own now.'}
          </p>
        ) : (
          <ul className={styles['tags']} aria-label="Tags">
            {shown.map((tag) => (
              <li key={tag} className={styles['tag']} data-unknown={seen?.unknownWords.includes(tag) ?? false}>
                <span>{tag}</span>
                <button type="button" aria-label={`Remove ${tag}`} onClick={() => change({ tags: shown.filter((other) => other !== tag) })}>
                  ×
                </button>
              </li>
            ))}
            {shown.length === 0 && <li className={styles['hint']}>none</li>}
          </ul>
        )}
        <AddTag onAdd={(added) => change({ tags: [...new Set([...(shown ?? []), ...added])] })} />
        {settings.tags !== null && (
          <Button kind="plain" onPress={() => change({ tags: null })}>
            Let the model choose again
          </Button>
        )}
      </div>
      {manifest !== undefined && <p className={styles['hint']}>{FAMILY_OPTIONS[manifest.family].promptHelp}</p>}
      <TextArea label="Your words" value={settings.user} placeholder="a street in the rain" onChange={(user) => change({ user })} />
      <TextArea label="Quality words" value={settings.positive} onChange={(positive) => change({ positive })} />
      <TextArea label="Negative words" value={settings.negative} onChange={(negative) => change({ negative })} />
      <div className={styles['presets']}>
        {Object.entries(NEGATIVES).map(([name, words]) => (
          <Button key={name} kind="plain" onPress={() => change({ negative: words })}>
            {name}
          </Button>
        ))}
        {manifest !== undefined && (
          <Button kind="plain" onPress={() => change({ negative: manifest.sampling.negativePrompt })}>
            Model’s own
          </Button>
        )}
      </div>
      {settings.guidance <= 1 && <p className={styles['hint']}>Negative words are used only with guidance above 1.</p>}
      {seen !== null && seen.unknownWords.length > 0 && (
        <p className={styles['unknown']}>This model does not know: {seen.unknownWords.join(', ')}.</p>
      )}
    </div>
  );
}

function AddTag({ onAdd }: { readonly onAdd: (tags: readonly string[]) => void }) {
  const [text, setText] = useState('');
  const submit = (event: SyntheticEvent): void => {
    event.preventDefault();
    const tags = text.split(',').map((tag) => tag.trim());
    onAdd(tags.filter((tag) => tag !== ''));
    setText('');
  };
  return (
    <form className={styles['add']} onSubmit={submit}>
      <input
        className={styles['input']}
        value={text}
        placeholder="add a tag"
        aria-label="Add a tag"
        onChange={(event) => setText(event.target.value)}
      />
    </form>
  );
}
