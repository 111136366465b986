import { useState } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { AnalysisPanel } from '../features/analysis/analysis-panel.tsx';
import { Viewer } from '../features/compare/viewer.tsx';
import { DownloadButton } from '../features/export/download-button.tsx';
import { InfoPanel } from '../features/info/info-panel.tsx';
import { Messages } from '../features/messages/messages.tsx';
import { DropZone, FilePicker } from '../features/open/drop-zone.tsx';
import { PromptPanel } from '../features/prompt/prompt-panel.tsx';
import { QueuePanel } from '../features/queue/queue-panel.tsx';
import { BackendPill } from '../features/run/backend-pill.tsx';
import { RunButton } from '../features/run/run-button.tsx';
import { RunChips } from '../features/run/run-chips.tsx';
import { RunEstimate } from '../features/run/run-estimate.tsx';
import { RunProgress } from '../features/run/run-progress.tsx';
import { ModelChoice } from '../features/settings/model-choice.tsx';
import { SettingsPanel } from '../features/settings/settings-panel.tsx';
import { Timeline } from '../features/steps/timeline.tsx';
import { useStudio } from '../store/store.ts';
import styles from './app.module.css';
import { ShortcutsDialog, useShortcuts } from './shortcuts.tsx';
import { ThemeButton } from './theme.tsx';

export function App() {
  const [keysShown, setKeysShown] = useState(false);
  useShortcuts(() => setKeysShown(true));
  return (
    <div className={styles['app']}>
      <TopBar onKeys={() => setKeysShown(true)} />
      <div className={styles['queue']}>
        <QueuePanel />
      </div>
      <main className={styles['main']}>
        <Messages />
        <DropZone>
          <Viewer />
        </DropZone>
      </main>
      <aside className={styles['inspector']} aria-label="Settings">
        <Tabs>
          <TabList className={styles['tabs'] ?? ''} aria-label="Panels">
            <Tab id="settings">Settings</Tab>
            <Tab id="prompt">Tags & prompt</Tab>
            <Tab id="analysis">Analysis</Tab>
            <Tab id="info">Info</Tab>
          </TabList>
          <TabPanel id="settings" className={styles['tab'] ?? ''}>
            <SettingsPanel />
          </TabPanel>
          <TabPanel id="prompt" className={styles['tab'] ?? ''}>
            <PromptPanel />
          </TabPanel>
          <TabPanel id="analysis" className={styles['tab'] ?? ''}>
            <AnalysisPanel />
          </TabPanel>
          <TabPanel id="info" className={styles['tab'] ?? ''}>
            <InfoPanel />
          </TabPanel>
        </Tabs>
      </aside>
      <div className={styles['bottom']}>
        <RunChips />
        <Timeline />
      </div>
      <ShortcutsDialog shown={keysShown} onClose={() => setKeysShown(false)} />
    </div>
  );
}

function TopBar({ onKeys }: { readonly onKeys: () => void }) {
  const picture = useStudio((state) => state.picture);
  const { scale, region } = useStudio((state) => state.settings);
  const input = region ?? picture;
  return (
    <header className={styles['top']}>
      <h1 className={styles['brand']}>RFSR Studio</h1>
      {picture.status !== 'empty' && (
        <p className={styles['file']}>
          <span className={styles['name']}>{picture.name}</span>
          {picture.status === 'ready' && ` ${picture.width}×${picture.height} ▸ ${input.width * scale}×${input.height * scale}`}
          <FilePicker text="Open…" />
        </p>
      )}
      <span className={styles['space']} />
      <ModelChoice />
      <BackendPill />
      <div className={styles['run']}>
        <RunEstimate />
        <RunProgress />
        <DownloadButton />
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
