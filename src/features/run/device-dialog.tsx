import { useMemo, useState } from 'react';
import { useShallow } from 'zustand/react/shallow';
import { Button } from '../../components/button.tsx';
import { Dialog, DialogTitle } from '../../components/dialog.tsx';
import { deviceFacts, factsText } from '../../store/device-facts.ts';
import { useStudio } from '../../store/store.ts';
import styles from './device-dialog.module.css';

/** All that is known of this device, copied with one press. */
export function DeviceDialog({ onClose }: { readonly onClose: () => void }) {
  const state = useStudio(useShallow(({ device, runs, manifests, bundles }) => ({ device, runs, manifests, bundles })));
  const [copied, setCopied] = useState('');
  const groups = useMemo(
    () => deviceFacts(state, { browser: navigator.userAgent, isolated: crossOriginIsolated, cores: navigator.hardwareConcurrency }),
    [state],
  );
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(factsText(groups));
      setCopied('Copied.');
    } catch {
      setCopied('The browser does not let this page copy: select the text instead.');
    }
  };
  return (
    <Dialog className={styles['dialog']} onClose={onClose}>
      <DialogTitle>This device</DialogTitle>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is to be reached by keyboard */}
      <section className={styles['facts']} tabIndex={0} aria-label="What is known of this device">
        {groups.map(({ title, facts }) => (
          <section key={title}>
            <h3 className={styles['heading']}>{title}</h3>
            <dl className={styles['list']}>
              {facts.map(([name, value]) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </section>
      <div className={styles['row']}>
        <p role="status" className={styles['note']}>
          {copied === '' ? 'Nothing of your pictures is in it.' : copied}
        </p>
        <Button onPress={onClose}>Close</Button>
        <Button kind="primary" onPress={() => void copy()}>
          Copy for a report
        </Button>
      </div>
    </Dialog>
  );
}
