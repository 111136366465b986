import { lazy, Suspense } from 'react';
import { Tab, TabList, TabPanel, Tabs } from 'react-aria-components';
import { Button } from '../components/button.tsx';
import { InfoPanel } from '../features/info/info-panel.tsx';
import { PromptPanel } from '../features/prompt/prompt-panel.tsx';
import { SettingsPanel } from '../features/settings/settings-panel.tsx';
import styles from './app.module.css';

const AnalysisPanel = lazy(async () => ({ default: (await import('../features/analysis/analysis-panel.tsx')).AnalysisPanel }));

/** What is asked of a run, and what is known of one. */
export function Inspector({ onFold }: { readonly onFold: () => void }) {
  return (
    <Tabs>
      <h2 className="visually-hidden">Settings</h2>
      <div className={styles['head']}>
        <TabList className={styles['tabs'] ?? ''} aria-label="Panels">
          <Tab id="settings">Settings</Tab>
          <Tab id="prompt">Tags & prompt</Tab>
          <Tab id="analysis">Analysis</Tab>
          <Tab id="info">Info</Tab>
        </TabList>
        <span className={styles['fold']}>
          <Button kind="icon" label="Fold the settings" onPress={onFold}>
            »
          </Button>
        </span>
      </div>
      <TabPanel id="settings" className={styles['tab'] ?? ''}>
        <SettingsPanel />
      </TabPanel>
      <TabPanel id="prompt" className={styles['tab'] ?? ''}>
        <PromptPanel />
      </TabPanel>
      <TabPanel id="analysis" className={styles['tab'] ?? ''}>
        <Suspense fallback={null}>
          <AnalysisPanel />
        </Suspense>
      </TabPanel>
      <TabPanel id="info" className={styles['tab'] ?? ''}>
        <InfoPanel />
      </TabPanel>
    </Tabs>
  );
}
