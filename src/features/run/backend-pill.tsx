import { useState } from 'react';
import { Button as AriaButton } from 'react-aria-components';
import { Button } from '../../components/button.tsx';
import { Popup } from '../../components/popup.tsx';
import type { Backend } from '../../protocol/events.ts';
import { useStudio } from '../../store/store.ts';
import styles from './backend-pill.module.css';
import { DeviceDialog } from './device-dialog.tsx';

const BACKEND_NAMES: Readonly<Record<Backend, string>> = { webgpu: 'WebGPU', 'wasm-threads': 'WASM', wasm: 'WASM', cpu: 'CPU' };

/** What computes, and on a press why. */
export function BackendPill() {
  const device = useStudio((state) => state.device);
  const [shown, setShown] = useState(false);
  if (device === null) return <span className={styles['pill']}>checking device…</span>;
  const threads = device.chosen === 'wasm-threads' ? ` · ${device.threads} threads` : '';
  return (
    <>
      <Popup
        label="Why this backend"
        trigger={
          <AriaButton className={styles['pill'] ?? ''} aria-label={`Backend: ${BACKEND_NAMES[device.chosen]}${threads}. Why?`}>
            {BACKEND_NAMES[device.chosen]}
            {threads}
          </AriaButton>
        }
      >
        <p>{device.reason}</p>
        <ul>
          {device.candidates.map(({ backend, usable, probeMs, reason }) => (
            <li key={backend}>
              <strong>{BACKEND_NAMES[backend]}</strong>:{' '}
              {usable && probeMs !== null ? `${probeMs.toFixed(1)} ms for a small test` : 'not used'} ({reason})
            </li>
          ))}
        </ul>
        <Button closes onPress={() => setShown(true)}>
          This device…
        </Button>
      </Popup>
      {shown && <DeviceDialog onClose={() => setShown(false)} />}
    </>
  );
}
