import { type CSSProperties, lazy, Suspense, useState, useSyncExternalStore } from 'react';
import { Button } from '../components/button.tsx';
import { HeightHandle } from '../components/height-handle.tsx';
import { Messages } from '../features/messages/messages.tsx';
import { DropZone, FilePicker } from '../features/open/drop-zone.tsx';
import { RunAnnouncer } from '../features/run/run-announcer.tsx';
import { RunButton } from '../features/run/run-button.tsx';
import { RunChips } from '../features/run/run-chips.tsx';
import { RunEstimate } from '../features/run/run-estimate.tsx';
import { RunProgress } from '../features/run/run-progress.tsx';
import { ModelChoice } from '../features/settings/model-choice.tsx';
import { useActions, useStudio } from '../store/store.ts';
import styles from './app.module.css';
import { useLayout } from './layout.ts';
import { useLeaveWarning } from './leave-warning.ts';
import { useShortcuts } from './shortcuts.ts';
import { ThemeButton } from './theme.tsx';

// not needed for the first paint, and each of them larger than all that is
const Inspector = lazy(async () => ({ default: (await import('./inspector.tsx')).Inspector }));
const Viewer = lazy(async () => ({ default: (await import('../features/compare/viewer.tsx')).Viewer }));
const Timeline = lazy(async () => ({ default: (await import('../features/steps/timeline.tsx')).Timeline }));
const QueuePanel = lazy(async () => ({ default: (await import('../features/queue/queue-panel.tsx')).QueuePanel }));
const BackendPill = lazy(async () => ({ default: (await import('../features/run/backend-pill.tsx')).BackendPill }));
const ShortcutsDialog = lazy(async () => ({ default: (await import('./shortcuts-dialog.tsx')).ShortcutsDialog }));
const ModelsDialog = lazy(async () => ({ default: (await import('../features/models/models-dialog.tsx')).ModelsDialog }));
const DownloadButton = lazy(async () => ({ default: (await import('../features/export/download-button.tsx')).DownloadButton }));

/** Least height of the steps, and what is left above them at least, in CSS pixels. */
const STEPS_MIN = 130;
const ABOVE_STEPS = 260;
/** What they take of the window until they are dragged. */
const STEPS_SHARE = 0.26;

export function App() {
  const [keysShown, setKeysShown] = useState(false);
  const [modelsShown, setModelsShown] = useState(false);
  const [layout, changeLayout] = useLayout();
  const windowHeight = useWindowHeight();
  const several = useStudio((state) => state.queue.items.length > 1);
  useShortcuts(() => setKeysShown(true));
  useLeaveWarning();
  const highest = Math.max(STEPS_MIN, windowHeight - ABOVE_STEPS);
  const stepsHeight = Math.min(highest, layout.stepsHeight ?? Math.max(STEPS_MIN, Math.round(windowHeight * STEPS_SHARE)));
  return (
    <div className={styles['app']}>
      <TopBar onKeys={() => setKeysShown(true)} onModels={() => setModelsShown(true)} />
      {several && (
        <div className={styles['queue']} data-folded={layout.pictures}>
          {layout.pictures ? (
            <Rail text="Pictures" onOpen={() => changeLayout({ pictures: false })} />
          ) : (
            <Suspense fallback={null}>
              <QueuePanel onFold={() => changeLayout({ pictures: true })} />
            </Suspense>
          )}
        </div>
      )}
      <main className={styles['main']}>
        <Messages />
        <DropZone>
          <Suspense fallback={null}>
            <Viewer />
          </Suspense>
        </DropZone>
      </main>
      <aside className={styles['inspector']} data-folded={layout.settings} aria-label="Settings">
        {layout.settings ? (
          <Rail text="Settings" onOpen={() => changeLayout({ settings: false })} />
        ) : (
          <Suspense fallback={null}>
            <Inspector onFold={() => changeLayout({ settings: true })} />
          </Suspense>
        )}
      </aside>
      <section
        className={styles['bottom']}
        aria-label="Steps and files"
        style={layout.steps ? {} : ({ '--steps': `${stepsHeight}px` } as CSSProperties)}
      >
        {!layout.steps && (
          <HeightHandle
            label="Height of the steps"
            height={stepsHeight}
            min={STEPS_MIN}
            max={highest}
            onChange={(height) => changeLayout({ stepsHeight: height })}
          />
        )}
        <RunChips />
        <Suspense fallback={null}>
          <Timeline folded={layout.steps} onFold={() => changeLayout({ steps: !layout.steps })} />
        </Suspense>
      </section>
      <RunAnnouncer />
      {modelsShown && (
        <Suspense fallback={null}>
          <ModelsDialog onClose={() => setModelsShown(false)} />
        </Suspense>
      )}
      {keysShown && (
        <Suspense fallback={null}>
          <ShortcutsDialog onClose={() => setKeysShown(false)} />
        </Suspense>
      )}
    </div>
  );
}

/** What stands for a folded panel, and opens it. */
function Rail({ text, onOpen }: { readonly text: string; readonly onOpen: () => void }) {
  return (
    <button type="button" className={styles['rail']} onClick={onOpen}>
      <span className="visually-hidden">Show: </span>
      {text}
    </button>
  );
}

function useWindowHeight(): number {
  return useSyncExternalStore(watchWindow, () => window.innerHeight);
}

function watchWindow(onChange: () => void): () => void {
  window.addEventListener('resize', onChange);
  return () => window.removeEventListener('resize', onChange);
}

function TopBar({ onKeys, onModels }: { readonly onKeys: () => void; readonly onModels: () => void }) {
  const picture = useStudio((state) => state.picture);
  const { scale, region } = useStudio((state) => state.settings);
  const input = region ?? picture;
  // several are removed in their list
  const single = useStudio(({ queue: { items } }) => (items.length === 1 ? items[0]?.name : undefined));
  const { removeSelected } = useActions();
  return (
    <header className={styles['top']}>
      <h1 className={styles['brand']}>RFSR Studio</h1>
      {picture.status !== 'empty' && (
        <p className={styles['file']}>
          <span className={styles['name']}>{picture.name}</span>
          {picture.status === 'ready' && ` ${picture.width}×${picture.height} ▸ ${input.width * scale}×${input.height * scale}`}
          <FilePicker text="Open…" />
          {single !== undefined && (
            <Button kind="icon" label={`Remove ${single}`} onPress={() => void removeSelected()}>
              ×
            </Button>
          )}
        </p>
      )}
      <span className={styles['space']} />
      <ModelChoice />
      <div className={styles['models']}>
        <Button kind="plain" onPress={onModels}>
          Models…
        </Button>
      </div>
      <div className={styles['pill']}>
        <Suspense fallback={null}>
          <BackendPill />
        </Suspense>
      </div>
      <div className={styles['run']}>
        <RunEstimate />
        <RunProgress />
        <Suspense fallback={null}>
          <DownloadButton />
        </Suspense>
        <RunButton />
      </div>
      <div className={styles['tools']}>
        <ThemeButton />
        <button type="button" className={styles['keys']} aria-label="Keyboard shortcuts" onClick={onKeys}>
          ?
        </button>
      </div>
    </header>
  );
}
