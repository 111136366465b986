import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { needsOf } from '../../plan/needs.ts';
import type { ModelOrigin, ShelvedModel } from '../../protocol/models-api.ts';
import { sizeWords } from '../../protocol/words.ts';
import { underWay } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './models.module.css';
import { Notes } from './notes.tsx';

/** One model: what it is, what it needs and whether that is here, and what can be done with it. */
export function ModelRow({ model }: { readonly model: ShelvedModel }) {
  const { id, title, license, origin, sizeBytes, keptBytes, keptFiles, files } = model;
  const work = useStudio((state) => state.shelf.busy[id]);
  const allNotes = useStudio((state) => state.shelf.notes);
  const running = useStudio(underWay);
  const actions = useActions();
  const [deleting, setDeleting] = useState(false);
  const whole = keptFiles === files;
  const loadable = origin.kind !== 'folder' && !whole;
  const removable = origin.kind !== 'site' || keptBytes > 0;
  return (
    <li className={styles['model']} aria-label={title}>
      <div className={styles['about']}>
        <h3 className={styles['name']}>{title}</h3>
        <p className={styles['muted']}>{[sizeWords(sizeBytes), license, originWords(origin)].join(' · ')}</p>
        <Needs id={id} />
        <p className={styles['here']} data-whole={whole}>
          {hereWords(model)}
        </p>
        {work !== undefined && (
          <progress
            className={styles['progress']}
            aria-label={`${work.what === 'check' ? 'Checking' : 'Loading'} ${title}`}
            value={work.doneBytes}
            max={work.totalBytes || 1}
          />
        )}
        <Notes notes={allNotes.filter((note) => note.id === id)} />
      </div>
      <div className={styles['doings']}>
        {work?.what === 'load' && (
          <Button label={`Pause ${title}`} onPress={() => void actions.pauseModel(id)}>
            Pause
          </Button>
        )}
        {work === undefined && loadable && (
          <Button label={`Load ${title}`} onPress={() => void actions.downloadModel(id)}>
            {keptBytes > 0 ? 'Load the rest' : 'Load'}
          </Button>
        )}
        {work === undefined && keptFiles > 0 && (
          <Button label={`Verify ${title}`} onPress={() => void actions.verifyModel(id)}>
            Verify
          </Button>
        )}
        {work === undefined && removable && (
          <Button label={`Delete ${title}`} disabled={running} onPress={() => setDeleting(true)}>
            Delete
          </Button>
        )}
      </div>
      {deleting && (
        <Confirm
          text={deleteWords(model)}
          action="Delete"
          onClose={() => setDeleting(false)}
          onConfirm={() => {
            setDeleting(false);
            void actions.removeModel(id);
          }}
        />
      )}
    </li>
  );
}

/** What it needs, each with whether this device has it. */
function Needs({ id }: { readonly id: string }) {
  const manifest = useStudio((state) => state.manifests[id]);
  const device = useStudio((state) => state.device);
  if (manifest === undefined) return null;
  return (
    <ul className={styles['needs']} aria-label="Needs">
      {needsOf(manifest, device).map(({ text, met }) => (
        <li key={text} data-met={met}>
          {text}: {met === null ? 'not known here' : met ? 'this device has it' : 'this device lacks it'}
        </li>
      ))}
    </ul>
  );
}

function originWords({ kind, place }: ModelOrigin): string {
  if (kind === 'site') return 'comes with the studio';
  return kind === 'url' ? `from ${place.replace(/^https:\/\//, '').replace(/\/$/, '')}` : `from the folder “${place}”`;
}

function hereWords({ keptBytes, keptFiles, files, sizeBytes, ownBytes, origin }: ShelvedModel): string {
  const shared = ownBytes < keptBytes ? `, ${sizeWords(keptBytes - ownBytes)} of it shared with other models` : '';
  if (keptFiles === files) return `On this device${shared}`;
  if (keptBytes === 0) return origin.kind === 'site' ? 'Loaded when it is first used' : 'Not on this device yet';
  const missing = files - keptFiles;
  const remedy = origin.kind === 'folder' ? '; choose its folder again to bring the rest' : '';
  return `${sizeWords(keptBytes)} of ${sizeWords(sizeBytes)} on this device${shared}; ${missing} of ${files} files to come${remedy}`;
}

function deleteWords({ title, origin, ownBytes, keptBytes }: ShelvedModel): string {
  const freed = `${sizeWords(ownBytes)} become free${ownBytes < keptBytes ? ', what other models share stays' : ''}.`;
  const after = origin.kind === 'site' ? 'It is loaded again when it is next used.' : 'It leaves the list of models.';
  return `Delete “${title}” from this device? ${freed} ${after}`;
}
